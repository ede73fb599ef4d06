package lint

import (
	"fmt"
	"net/netip"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// clusterRules look at the configurations of several nodes together.
var clusterRules = []Rule{
	{
		ID: "HF151", Severity: diag.Warning, Title: "A virtual router that not all nodes have",
		Explanation: `When this node is gone, nobody takes its addresses over. Either the other file lacks the vrrp_instance, or its
virtual_router_id is another one.`,
		nodes: aloneRouter,
	},
	{
		ID: "HF152", Severity: diag.Error, Title: "The same addresses with different virtual_router_id",
		Explanation: `Nodes find each other by the virtual_router_id. With different ones neither hears the other, both become master, and the
address is there twice.`,
		nodes: differentVRID,
	},
	{
		ID: "HF153", Severity: diag.Error, Title: "The same virtual_router_id for different addresses",
		Explanation: `On one link the number stands for one set of addresses. Two virtual routers with the same one hear each other's adverts: only
one of them is master, and the other's addresses are on nobody; keepalived up to 2.3 discards the adverts for their addresses and
complains every time. Both use the same virtual MAC address if they use one.
Give one of them another number. If the two are on different links, silence this.`,
		router: sharedVRID,
	},
	{
		ID: "HF154", Severity: diag.Error, Title: "Nodes that speak different versions of VRRP",
		Explanation: `A node discards adverts of the other version, so both become master. Set vrrp_version in global_defs, or version in the
instance, to the same on all nodes. With v3_checksum_as_v2 the checksum is another one, and nodes without it discard the adverts.`,
		router: differentVersion,
	},
	{
		ID: "HF155", Severity: diag.Error, Title: "Nodes with different advert intervals",
		Explanation: `In version 2 a node discards adverts whose interval is not its own, so both become master. In version 3 a backup takes
the master's interval over (so this is a warning), and how long a fail-over takes depends on who was master.`,
		router: differentAdvert,
	},
	{
		ID: "HF156", Severity: diag.Error, Title: "Nodes with different authentication",
		Explanation: `Adverts with another auth_type or auth_pass are discarded, so both nodes become master. Only the first eight characters of
a password count. With auth_hmac a node needs the key that another one signs with, by the same number; a node without auth_hmac
discards what is signed, and one with mode enforce what is not. To bring it to a running cluster begin with mode receive-only
everywhere, then permissive, then enforce.`,
		router: differentAuth,
	},
	{
		ID: "HF157", Severity: diag.Warning, Title: "Nodes with different virtual addresses",
		Explanation: `Addresses that only one node has are lost in a fail-over. A backup compares the addresses in an advert with its own, and says
what differs; keepalived up to 2.3 discards the advert, so both nodes become master. The order does not matter. Addresses in
virtual_ipaddress_excluded are in no advert (so what differs there is a warning).`,
		router: differentAddresses,
	},
	{
		ID: "HF158", Severity: diag.Error, Title: "Nodes of equal priority",
		Explanation: `If both start at the same time, both become master, and the one with the lower address yields when it hears the other: it
is decided, but by addresses (so this is a warning). Two nodes of priority 255 never yield: that priority says that the addresses are
the node's own, which cannot be true of two.`,
		router: equalPriority,
	},
	{
		ID: "HF159", Severity: diag.Error, Title: "Unicast peers that are not mutual",
		Explanation: `With unicast each node sends its adverts to its peers only. A node that is missing in the list of a better one never
hears it and becomes master beside it. The same happens when one node uses unicast and the other multicast. If only the better
node does not hear the worse one, it takes over without knowing of it (so that is a warning).`,
		router: peersNotMutual,
	},
	{
		ID: "HF160", Severity: diag.Error, Title: "Two nodes with the same source address",
		Explanation: `A host drops packets that seem to come from itself, so the two do not hear each other. Mostly a file was copied and unicast_src_ip
or mcast_src_ip not changed.`,
		router: sameSource,
	},
	{
		ID: "HF161", Severity: diag.Error, Title: "Nodes in different multicast groups",
		Explanation: `A node that sends to another group than the others listen to is not heard. See vrrp_mcast_group4, vrrp_mcast_group6
and mcast_dst.`,
		router: differentGroup,
	},
	{
		ID: "HF162", Severity: diag.Warning, Title: "A sync group whose members prefer different nodes",
		Explanation: `The members of a vrrp_sync_group are master together or not at all. If one node has the highest priority in one member and
another node in another, neither can take over from the other: whoever was first stays master, whatever the priorities say, and
the other one discards its adverts. Should both become master, by a cut that heals, the member with the lowest virtual_router_id
decides, whatever the others' priorities say; keepalived in that place may change masters for ever. Give one node the highest
priority in all members.`,
		nodes: dividedGroup,
	},
	{
		ID: "HF163", Severity: diag.Warning, Title: "Sync groups that differ between nodes",
		Explanation: `Instances that one node moves together move separately on the other, so the two may end up as master of some members each,
which is what the group was to prevent.`,
		nodes: differentGroups,
	},
	{
		ID: "HF164", Severity: diag.Warning, Title: "Weights that can never change who wins",
		Explanation: `The node with the highest priority stays above all others even when everything it tracks has failed, so the tracking has no
effect. The weights must be larger than the distance of the priorities, or 0: then a failure means FAULT. With equal priorities
the master stays master, so the distance itself is not enough.`,
		router: weakWeights,
	},
	{
		ID: "HF166", Severity: diag.Notice, Title: "nopreempt where it has no effect",
		Explanation: `nopreempt keeps a node that comes back from taking over from a worse master. The node with the highest priority lacks it, so
that one always takes over; on the others it changes nothing. Set it on all nodes.`,
		router: uselessNoPreempt,
	},
	{
		ID: "HF167", Severity: diag.Warning, Title: "Directors that balance differently",
		Explanation: `After a fail-over the same service should be balanced in the same way over the same servers. If the difference is meant,
silence this.`,
		nodes: differentServices,
	},
	{
		ID: "HF168", Severity: diag.Error, Title: "A virtual address that is another node's own",
		Explanation: `The node that has the address for good and the master of the virtual router answer for it both. Only the owner of an
address (priority 255) may have it as its own and as a virtual address.`,
		nodes: takenAddress,
	},
}

func aloneRouter(c *cluster, say sayer) {
	for _, v := range c.routers {
		first := v.parts[0]
		for _, n := range c.nodes {
			if !v.has(n) && !c.hasAddresses(n, first.VRRPInstance) {
				say(finding{pos: first.Pos, keyword: "virtual_router_id",
					message:  fmt.Sprintf("%s has no counterpart in %s", first.title(), n.name),
					expected: fmt.Sprintf("an instance with virtual_router_id %d on every node", v.vrid)})
			}
		}
	}
}

func (v *virtualRouter) has(n *node) bool {
	for _, p := range v.parts {
		if p.node == n {
			return true
		}
	}
	return false
}

// hasAddresses reports whether a node has addresses of i under any number.
func (c *cluster) hasAddresses(n *node, i *conf.VRRPInstance) bool {
	for _, o := range n.Instances {
		if o.Family == i.Family && overlap(o, i) {
			return true
		}
	}
	return false
}

func differentVRID(c *cluster, say sayer) {
	first := map[netip.Addr]part{}
	for _, n := range c.nodes {
		for _, i := range n.Instances {
			for _, a := range i.Addresses {
				f, known := first[a.Prefix.Addr()]
				switch {
				case !known:
					first[a.Prefix.Addr()] = part{i, n}
					continue
				case f.node == n || f.VRID == i.VRID:
					continue
				}
				say(finding{pos: i.Pos, keyword: "virtual_router_id",
					message:  fmt.Sprintf("%s has virtual_router_id %d, and %s has %d for %s", part{i, n}.title(), i.VRID, f.at(), f.VRID, a.Prefix.Addr()),
					expected: "the same virtual_router_id on all nodes"})
				break
			}
		}
	}
}

func sharedVRID(v *virtualRouter, say sayer) {
	first := v.parts[0]
	for _, p := range v.parts[1:] {
		if strangers(first.VRRPInstance, p.VRRPInstance) {
			say(finding{pos: p.Pos, keyword: "virtual_router_id",
				message:  fmt.Sprintf("%s has the virtual_router_id %d of %s and none of its addresses", p.title(), v.vrid, first.at()),
				expected: "another virtual_router_id, or the same addresses"})
		}
	}
}

func differentVersion(v *virtualRouter, say sayer) {
	v.others(func(first, p part) {
		if p.Version != first.Version {
			say(finding{pos: p.Pos, keyword: "version",
				message:  fmt.Sprintf("%s speaks version %d, and %s version %d", p.title(), p.Version, first.at(), first.Version),
				expected: "the same version on all nodes"})
		} else if p.Version == 3 && p.V3ChecksumAsV2 != first.V3ChecksumAsV2 && p.Family == 4 {
			say(finding{pos: p.Pos, keyword: "v3_checksum_as_v2",
				message:  fmt.Sprintf("%s and %s reckon checksums differently: one has v3_checksum_as_v2", p.title(), first.at()),
				expected: "the same v3_checksum_as_v2 on all nodes"})
		}
	})
}

func differentAdvert(v *virtualRouter, say sayer) {
	v.others(func(first, p part) {
		if p.AdvertInt != first.AdvertInt {
			say(finding{pos: p.Pos, keyword: "advert_int", mild: p.Version == 3,
				message:  fmt.Sprintf("%s has an advert interval of %s, and %s of %s", p.title(), seconds(p.AdvertInt), first.at(), seconds(first.AdvertInt)),
				expected: "the same advert_int on all nodes"})
		}
	})
}

func differentAuth(v *virtualRouter, say sayer) {
	v.others(func(first, p part) {
		what := ""
		switch {
		case p.AuthType != first.AuthType:
			what = "auth_type " + or(p.AuthType, "none") + ", and " + first.at() + " " + or(first.AuthType, "none")
		case p.AuthPass != first.AuthPass:
			what = "another auth_pass than " + first.at()
		case p.HMAC != nil || first.HMAC != nil:
			if what = differentHMAC(first, p); what == "" {
				return
			}
		default:
			return
		}
		say(finding{pos: p.Pos, keyword: "authentication", message: fmt.Sprintf("%s has %s", p.title(), what),
			expected: "the same authentication on all nodes"})
	})
}

func differentAddresses(v *virtualRouter, say sayer) {
	v.others(func(first, p part) {
		if d := differ(addresses(first.VRRPInstance), addresses(p.VRRPInstance)); d != "" {
			say(finding{pos: p.Pos, keyword: "virtual_ipaddress", message: fmt.Sprintf("%s %s, compared with %s", p.title(), d, first.at()),
				expected: "the same addresses on all nodes"})
			return
		}
		ex := func(i *conf.VRRPInstance) map[netip.Addr]bool {
			return addresses(&conf.VRRPInstance{Addresses: i.Excluded})
		}
		if d := differ(ex(first.VRRPInstance), ex(p.VRRPInstance)); d != "" {
			say(finding{pos: p.Pos, keyword: "virtual_ipaddress_excluded", mild: true,
				message: fmt.Sprintf("%s %s in virtual_ipaddress_excluded, compared with %s", p.title(), d, first.at()), expected: "the same addresses on all nodes"})
		}
	})
}

func equalPriority(v *virtualRouter, say sayer) {
	first := map[int]part{}
	for _, p := range v.parts {
		f, known := first[p.Priority]
		switch {
		case !known:
			first[p.Priority] = p
		case !strangers(f.VRRPInstance, p.VRRPInstance):
			say(finding{pos: p.Pos, keyword: "priority", mild: p.Priority != 255,
				message:  fmt.Sprintf("%s has priority %d, as %s has", p.title(), p.Priority, f.at()),
				expected: "a different priority on each node"})
		}
	}
}

func differentGroup(v *virtualRouter, say sayer) {
	v.others(func(first, p part) {
		if !p.Unicast && !first.Unicast && p.McastDst != first.McastDst {
			say(finding{pos: p.Pos, message: fmt.Sprintf("%s sends to %s, and %s to %s", p.title(), p.McastDst, first.at(), first.McastDst),
				expected: "the same multicast group on all nodes"})
		}
	})
}

func uselessNoPreempt(v *virtualRouter, say sayer) {
	best := v.best()
	if best == nil {
		return
	}
	var found *part
	for i := range v.parts {
		p := &v.parts[i]
		switch {
		case p.node == best && p.NoPreempt, len(p.node.weights(p.VRRPInstance)) > 0:
			return
		case p.NoPreempt && found == nil:
			found = p
		}
	}
	if found != nil {
		say(finding{pos: found.Pos, keyword: "nopreempt", message: fmt.Sprintf("nopreempt of %s has no effect, for %s has the highest priority and preempts", found.title(), best.name),
			expected: "nopreempt on all nodes, or on none"})
	}
}
