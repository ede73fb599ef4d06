package lint

import (
	"fmt"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// differentServices compares the virtual servers of the first node with those
// of the others, if both have any.
func differentServices(c *cluster, say sayer) {
	first := c.nodes[0]
	for _, n := range c.nodes[1:] {
		if len(first.VirtualServers) == 0 || len(n.VirtualServers) == 0 {
			continue
		}
		theirs := map[string]*conf.VirtualServer{}
		for _, v := range n.VirtualServers {
			theirs[v.Protocol+" "+serviceName(v)] = v
		}
		for _, v := range first.VirtualServers {
			k := v.Protocol + " " + serviceName(v)
			o := theirs[k]
			if o == nil {
				say(finding{pos: v.Pos, message: serviceName(v) + " is not in " + n.name, expected: "the same virtual servers on all nodes"})
			} else if d := or(serviceDifference(v, o), groupDifference(first.groupMembers(v), n.groupMembers(o))); d != "" {
				say(finding{pos: o.Pos, message: fmt.Sprintf("%s %s, compared with %s", serviceName(o), d, first.at(v.Pos)), expected: "the same settings on all nodes"})
			}
			delete(theirs, k)
		}
		for _, v := range n.VirtualServers {
			if theirs[v.Protocol+" "+serviceName(v)] == v {
				say(finding{pos: v.Pos, message: serviceName(v) + " is not in " + first.name, expected: "the same virtual servers on all nodes"})
			}
		}
	}
}

func forwarding(v *conf.VirtualServer) string {
	return strings.Join(append([]string{v.Forward}, v.Tunnel.Words()...), " ")
}

// serviceDifference says in a clause how b differs from a.
func serviceDifference(a, b *conf.VirtualServer) string {
	switch {
	case a.Scheduler != b.Scheduler:
		return "has lb_algo " + b.Scheduler + " instead of " + a.Scheduler
	case forwarding(a) != forwarding(b):
		return "has lb_kind " + forwarding(b) + " instead of " + forwarding(a)
	case a.Persistence != b.Persistence:
		return "has persistence_timeout " + seconds(b.Persistence) + " instead of " + seconds(a.Persistence)
	case a.Quorum != b.Quorum:
		return fmt.Sprintf("has quorum %d instead of %d", b.Quorum, a.Quorum)
	case sorry(a) != sorry(b):
		return "has " + sorry(b) + " instead of " + sorry(a)
	}
	set := func(v *conf.VirtualServer) map[string]bool {
		m := make(map[string]bool, len(v.Servers))
		for _, r := range v.Servers {
			m[fmt.Sprintf("%s weight %d", serverName(r), r.Weight)] = true
		}
		return m
	}
	return differ(set(a), set(b))
}

// groupDifference says in a clause how the members of b differ from those of a.
func groupDifference(a, b []conf.GroupMember) string {
	set := func(members []conf.GroupMember) map[string]bool {
		m := make(map[string]bool, len(members))
		for _, g := range members {
			name := fmt.Sprintf("%s %d", g.From, g.Port)
			if g.FWMark != 0 {
				name = fmt.Sprintf("fwmark %d", g.FWMark)
			} else if g.To.IsValid() && g.To != g.From || g.PortTo > g.Port {
				name = fmt.Sprintf("%s-%s %d-%d", g.From, or(g.To, g.From), g.Port, or(g.PortTo, g.Port))
			}
			m[name] = true
		}
		return m
	}
	return differ(set(a), set(b))
}

func sorry(v *conf.VirtualServer) string {
	if v.Sorry == nil {
		return "no sorry_server"
	}
	return fmt.Sprintf("sorry_server %s %d", v.Sorry.Addr, or(v.Sorry.Port, v.Port))
}
