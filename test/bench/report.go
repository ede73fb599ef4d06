package main

import (
	"fmt"
	"math"
	"slices"
)

// median, quantile and worst of what was measured; NaN of nothing.
func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	v = slices.Sorted(slices.Values(v))
	k := float64(len(v)-1) * q
	i := int(k)
	return v[i] + (v[min(i+1, len(v)-1)]-v[i])*(k-float64(i))
}

// row prints one measurement of both daemons and the ratio of the medians.
func row(what, unit string, theirs, ours []float64) {
	t, o := quantile(theirs, 0.5), quantile(ours, 0.5)
	fmt.Printf("  %-46s %9.3f %9.3f %s   ×%.2f   (worst %.3f / %.3f, n %d / %d)\n",
		what, t, o, unit, o/t, quantile(theirs, 1), quantile(ours, 1), len(theirs), len(ours))
}

func heading(what string) { heads(what, "keepalived", "holdfast") }

// heads begins a table of two.
func heads(what, theirs, ours string) {
	fmt.Printf("\n%s\n  %-46s %9s %9s\n", what, "median", theirs, ours)
}
