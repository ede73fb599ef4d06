package plan

import (
	"reflect"

	"github.com/holdfast-ha/holdfast/internal/build"
)

// Scripts says for each track script which one it continues, -1 if none: one
// of the same name that runs the same program. What it knows then outlives the
// reload.
func Scripts(have, want []build.Script) []int {
	byName := make(map[string]int, len(have))
	for i := range have {
		byName[have[i].Name] = i
	}
	from := make([]int, len(want))
	for i := range want {
		from[i] = -1
		if at, ok := byName[want[i].Name]; ok && reflect.DeepEqual(have[at].Command.Argv, want[i].Command.Argv) {
			from[i] = at
		}
	}
	return from
}

// Checks says for each check of a real server which one it continues, -1 if
// none: the first that does the same. Its verdict, schedule and running
// attempt then outlive the reload.
func Checks(have []*build.HealthCheck, want []build.HealthCheck) []int {
	taken := make([]bool, len(have))
	from := make([]int, len(want))
	for i := range want {
		from[i] = -1
		for at := range have {
			if !taken[at] && have[at].Probe.Same(&want[i].Probe) {
				from[i], taken[at] = at, true
				break
			}
		}
	}
	return from
}
