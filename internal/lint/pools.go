package lint

import (
	"fmt"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// poolRules look at what docs/pools.md is about.
var poolRules = []Rule{
	{
		ID: "HF131", Severity: diag.Notice, Title: "Connections that cannot be reset",
		Explanation: `The kernel's IPVS cannot reset the connections of a server that fails. With on_down reset it does what on_down expire
does: a connection is forgotten with its next packet. The embedded director (lvs_director proxy) resets them at once. With
lvs_director auto it depends on the machine.`,
		file: noReset,
	},
	{
		ID: "HF132", Severity: diag.Warning, Title: "A slow start that changes nothing",
		Explanation: `slow_start makes the weight of a server grow from 1 to its own. A weight of 1 cannot grow, and schedulers such as rr and lc
do not look at weights. Give all servers a weight of 100, say, and use wrr or wlc.`,
		file: idleSlowStart,
	},
	{
		ID: "HF133", Severity: diag.Warning, Title: "A tier that cannot have the quorum",
		Explanation: `A tier serves by itself, when its live servers weigh the quorum and the hysteresis together. The servers of this one do not
weigh so much even if all are up, so it never stands in: without a sorry_server all tiers serve together then.`,
		file: weakTier,
	},
}

func noReset(s *subject, say sayer) {
	if !s.mayBeIPVS() {
		return
	}
	for _, v := range s.VirtualServers {
		for _, r := range v.Servers {
			if r.OnDown == conf.OnDownReset {
				at := r.Pos
				if v.OnDown == conf.OnDownReset {
					at = v.Pos
				}
				say(finding{pos: at, keyword: "on_down", message: fmt.Sprintf("on_down reset of %s is on_down expire with IPVS, which cannot reset connections", serviceName(v)),
					expected: "lvs_director proxy, or on_down expire"})
				break
			}
		}
	}
}

func idleSlowStart(s *subject, say sayer) {
	blind := map[string]bool{"rr": true, "lc": true, "dh": true}
	for _, v := range s.VirtualServers {
		for _, r := range v.Servers {
			if r.SlowStart == 0 || r.Weight > 1 && !blind[v.Scheduler] {
				continue
			}
			why := "its weight is " + fmt.Sprint(r.Weight)
			if blind[v.Scheduler] {
				why = "lb_algo " + v.Scheduler + " does not look at weights"
			}
			at := r.Pos
			if v.SlowStart > 0 {
				at = v.Pos
			}
			say(finding{pos: at, keyword: "slow_start", message: fmt.Sprintf("slow_start does nothing for real_server %s of %s: %s", r.Addr, serviceName(v), why),
				expected: "weights such as 100, and lb_algo wrr or wlc"})
			break
		}
	}
}

func weakTier(s *subject, say sayer) {
	for _, v := range s.VirtualServers {
		weight, first := map[uint8]int{}, map[uint8]*conf.RealServer{}
		for _, r := range v.Servers {
			weight[r.Tier] += r.Weight
			if first[r.Tier] == nil {
				first[r.Tier] = r
			}
		}
		if len(weight) < 2 {
			continue
		}
		for _, r := range v.Servers {
			if first[r.Tier] != r || weight[r.Tier] >= v.Quorum+v.Hysteresis {
				continue
			}
			say(finding{pos: r.Pos, keyword: "tier", message: fmt.Sprintf("the servers of tier %d of %s weigh %d together, and never have the quorum of %d", r.Tier, serviceName(v), weight[r.Tier], v.Quorum+v.Hysteresis),
				expected: fmt.Sprintf("more weight, or quorum %d", max(weight[r.Tier]-v.Hysteresis, 1))})
		}
	}
}
