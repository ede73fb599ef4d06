package cli

import (
	"fmt"

	"github.com/holdfast-ha/holdfast/api"
)

// serviceTraffic is a service's, with the connections of its servers where the
// director knows only those (IPVS), and what servers refused.
func serviceTraffic(v *api.Service) api.Traffic {
	t := *v.Traffic
	var active uint64
	for i := range v.Servers {
		if s := v.Servers[i].Traffic; s != nil {
			active += s.Active
			t.Inactive += s.Inactive
			t.Refused += s.Refused
		}
	}
	t.Active = max(t.Active, active)
	return t
}

// trafficWords says what was counted; what never happened is left out.
func trafficWords(t api.Traffic) []string {
	words := []string{fmt.Sprintf("%d now", t.Active), fmt.Sprintf("%d in all", t.Connections),
		amount(t.InBytes) + " in", amount(t.OutBytes) + " out"}
	for _, rare := range []struct {
		n    uint64
		word string
	}{{t.Inactive, "ended and remembered"}, {t.Persistent, "clients remembered"}, {t.Refused, "attempts refused"},
		{t.NoServer, "without a server"}, {t.Evicted, "sessions cut short for others"},
		{t.Starved, "attempts without descriptors, memory or ports"}} {
		if rare.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", rare.n, rare.word))
		}
	}
	return words
}

// amount is a number of bytes for a person.
func amount(n uint64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n)/1000, 0
	for v >= 999.5 && unit < len("kMGTPE")-1 {
		v, unit = v/1000, unit+1
	}
	return fmt.Sprintf("%.3g %cB", v, "kMGTPE"[unit])
}
