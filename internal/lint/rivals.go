package lint

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// peersNotMutual looks at every pair: each must send to the other.
func peersNotMutual(v *virtualRouter, say sayer) {
	for _, a := range v.parts {
		for _, b := range v.parts {
			switch {
			case a.node == b.node || strangers(a.VRRPInstance, b.VRRPInstance):
			case a.Unicast && !b.Unicast:
				say(finding{pos: b.Pos, message: fmt.Sprintf("%s uses multicast, and %s unicast", b.title(), a.at()),
					expected: "unicast_peer on all nodes or on none"})
			case a.Unicast && b.SrcIP.IsValid() && !hasPeer(a.VRRPInstance, b.SrcIP) && a.SrcIP != b.SrcIP:
				say(finding{pos: a.Pos, keyword: "unicast_peer", mild: a.Priority < b.Priority,
					message:  fmt.Sprintf("%s sends nothing to %s, the node of %s", a.title(), b.SrcIP, b.at()),
					expected: "unicast_peer with the addresses of all other nodes"})
			}
		}
	}
}

func hasPeer(i *conf.VRRPInstance, a netip.Addr) bool {
	return slices.ContainsFunc(i.Peers, func(p conf.Peer) bool { return p.Addr == a })
}

func sameSource(v *virtualRouter, say sayer) {
	first := map[netip.Addr]part{}
	for _, p := range v.parts {
		if !p.SrcIP.IsValid() {
			continue
		}
		f, known := first[p.SrcIP]
		if !known {
			first[p.SrcIP] = p
			continue
		}
		keyword := "mcast_src_ip"
		if p.Unicast {
			keyword = "unicast_src_ip"
		}
		say(finding{pos: p.Pos, keyword: keyword, message: fmt.Sprintf("%s sends from %s, as %s does", p.title(), p.SrcIP, f.at()),
			expected: "an address of this very node"})
	}
}

// dividedGroup looks at who has the highest priority in each member.
func dividedGroup(c *cluster, say sayer) {
	said := map[*virtualRouter]bool{}
	for _, n := range c.nodes {
		for _, g := range n.Groups {
			var winner *node
			var where *conf.VRRPInstance
			for _, i := range n.members(g) {
				v := c.of[i]
				best := v.best()
				switch {
				case best == nil || said[v]:
				case winner == nil:
					winner, where = best, i
				case winner != best:
					said[v] = true
					say(finding{pos: g.Pos, message: fmt.Sprintf("vrrp_sync_group %s is divided: %s has the highest priority in %s, and %s in %s", g.Name, winner.name, where.Name, best.name, i.Name),
						expected: "the same node with the highest priority in all members"})
				}
			}
		}
	}
}

// differentGroups compares which virtual routers each node groups.
func differentGroups(c *cluster, say sayer) {
	for _, n := range c.nodes[1:] {
		for _, g := range c.nodes[0].Groups {
			c.compareGroup(g, n, say)
		}
		for _, g := range n.Groups {
			if c.counterpart(n.members(g), c.nodes[0]) == nil {
				say(finding{pos: g.Pos, message: fmt.Sprintf("%s has no vrrp_sync_group with the members of %s", c.nodes[0].name, g.Name), expected: "the same group on all nodes"})
			}
		}
	}
}

func (c *cluster) compareGroup(g *conf.SyncGroup, n *node, say sayer) {
	mine := c.nodes[0].members(g)
	o := c.counterpart(mine, n)
	if o == nil {
		say(finding{pos: g.Pos, message: fmt.Sprintf("%s has no vrrp_sync_group with the members of %s", n.name, g.Name), expected: "the same group on all nodes"})
		return
	}
	names := func(list, without []*conf.VRRPInstance) []string {
		var out []string
		for _, i := range list {
			if !slices.ContainsFunc(without, func(w *conf.VRRPInstance) bool { return c.of[w] == c.of[i] }) {
				out = append(out, i.Name)
			}
		}
		return out
	}
	theirs := n.members(o)
	if d := clauses(names(mine, theirs), names(theirs, mine)); d != "" {
		say(finding{pos: o.Pos, keyword: "group", message: fmt.Sprintf("vrrp_sync_group %s %s, compared with %s", o.Name, d, c.nodes[0].at(g.Pos)), expected: "the same members on all nodes"})
	}
}

// counterpart is the group of a node that has one of these members.
func (c *cluster) counterpart(members []*conf.VRRPInstance, n *node) *conf.SyncGroup {
	for _, g := range n.Groups {
		for _, i := range n.members(g) {
			if slices.ContainsFunc(members, func(m *conf.VRRPInstance) bool { return c.of[m] == c.of[i] }) {
				return g
			}
		}
	}
	return nil
}

// weakWeights looks at the winner: can it sink below anybody?
func weakWeights(v *virtualRouter, say sayer) {
	var top *part
	highest := 0
	for i := range v.parts {
		p := &v.parts[i]
		if h := p.upPriority(); top == nil || h > highest {
			top, highest = p, h
		}
	}
	w := top.node.weights(top.VRRPInstance)
	if len(v.parts) < 2 || len(w) == 0 {
		return
	}
	least, _ := sum(w)
	low := clamp(top.Priority, least)
	rival := 0
	for _, p := range v.parts {
		if p.node != top.node && !strangers(top.VRRPInstance, p.VRRPInstance) {
			rival = max(rival, p.upPriority())
		}
	}
	if rival > 0 && low >= rival {
		say(finding{pos: w[0].Pos, message: fmt.Sprintf("when all that %s tracks has failed, its priority is %d, and no other node is above that: the best has %d", top.title(), low, rival),
			expected: fmt.Sprintf("weights that bring %d below %d, or weight 0", highest, rival)})
	}
}

// upPriority is the priority of a part when nothing has failed.
func (p *part) upPriority() int {
	all := 0
	for _, t := range p.node.weights(p.VRRPInstance) {
		all += t.up
	}
	return clamp(p.Priority, all)
}

// takenAddress looks for virtual addresses that another node sends from. An
// address owner (priority 255) may do that.
func takenAddress(c *cluster, say sayer) {
	own := map[netip.Addr]part{}
	for _, n := range c.nodes {
		for _, i := range n.Instances {
			if i.SrcIP.IsValid() {
				own[i.SrcIP] = part{i, n}
			}
		}
	}
	for _, n := range c.nodes {
		for _, i := range n.Instances {
			each(i, func(a conf.Address) {
				o, taken := own[a.Prefix.Addr()]
				if taken && o.node != n && !o.owns(a.Prefix.Addr()) {
					say(finding{pos: a.Pos, message: fmt.Sprintf("%s is the own address of the node of %s", a.Prefix.Addr(), o.at()), expected: "an address that no node has of its own"})
				}
			})
		}
	}
}

// owns reports whether the node of a part is the owner of a virtual address.
func (p part) owns(a netip.Addr) bool {
	for _, i := range p.node.Instances {
		if i.Priority == 255 && addresses(i)[a] {
			return true
		}
	}
	return false
}
