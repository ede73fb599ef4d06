package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Ranking says of each virtual router in several configurations who wins: the
// nodes by priority, when nothing has failed.
func Ranking(all []Member) []string {
	var out []string
	for _, v := range newCluster(all).routers {
		parts := slices.Clone(v.parts)
		slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(b.upPriority(), a.upPriority()) })
		var names []string
		for i := range parts {
			names = append(names, fmt.Sprintf("%s %d", parts[i].node.name, parts[i].upPriority()))
		}
		out = append(out, fmt.Sprintf("%s (virtual_router_id %d): %s", v.parts[0].Name, v.vrid, strings.Join(names, ", then ")))
	}
	return out
}
