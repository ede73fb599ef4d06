package track

import (
	"math"
	"testing"
)

func TestScale(t *testing.T) {
	for _, c := range []struct {
		number, weight int
		reverse        bool
		add            int
		fault          bool
	}{
		{20, 1, false, 20, false},
		{-20, 1, false, -20, false},
		{7, 2, true, -14, false},
		{-7, 2, true, 14, false},
		{5, -3, false, -15, false},
		{5, -3, true, 15, false},
		{0, 7, false, 0, false},
		{0, 7, true, 0, false},
		{-253, 1, false, -253, false},
		{-254, 1, false, 0, true},
		{127, 2, true, 0, true},
		{254, 1, false, 253, false},
		{math.MinInt32, math.MinInt32, false, 253, false},
		{math.MinInt32, math.MaxInt32, false, 0, true},
		{0, 0, false, 0, false},
		{1, 0, false, 0, true},
		{-1, 0, false, 0, true},
		{0, 0, true, 0, true},
		{1, 0, true, 0, false},
	} {
		if add, fault := Scale(c.number, c.weight, c.reverse); add != c.add || fault != c.fault {
			t.Errorf("%d × %d reverse %v: %d, %v", c.number, c.weight, c.reverse, add, fault)
		}
	}
}
