package lint

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// vrrpRules look at the virtual routers of one configuration.
var vrrpRules = []Rule{
	{
		ID: "HF101", Severity: diag.Warning, Title: "A virtual address in two instances",
		Explanation: `Each instance adds the address when it becomes master and removes it when it is backup again. When one of the two
changes its state, the address is gone although the other is still master. Addresses belong to one instance; instances
that must move together belong into a vrrp_sync_group. Link-local addresses may repeat on different interfaces.`,
		file: sharedAddress,
	},
	{
		ID: "HF102", Severity: diag.Warning, Title: "A weight that cannot change the priority",
		Explanation: `Priorities stay between 1 and 254, whatever the weights add up to, and priority 255 is never changed. So a positive
weight does nothing at priority 254, a negative one nothing at priority 1, and no weight does anything at priority 255.
Choose a priority that leaves room for the weight, or weight 0: then a failure means FAULT.`,
		file: deadWeight,
	},
	{
		ID: "HF103", Severity: diag.Warning, Title: "nopreempt together with weights",
		Explanation: `A weight lowers the master's priority, so that a backup that is better now takes over: it preempts. With nopreempt a
backup never does, so the master keeps the addresses although its service has failed. If all nodes have nopreempt, let a
failure mean FAULT instead: leave the weight out (weight 0). The master then resigns and any backup takes over.`,
		file: weightWithoutPreemption,
	},
	{
		ID: "HF104", Severity: diag.Warning, Title: "Members of a sync group with different advert intervals",
		Explanation: `The members of a vrrp_sync_group change state together, and each listens for itself. When the master dies they notice at
different times, and the group takes over when the last one has noticed: the shorter intervals gain nothing. Give all members
the same advert_int.`,
		file: unevenGroup,
	},
	{
		ID: "HF105", Severity: diag.Warning, Title: "Members of a sync group that differ in preemption",
		Explanation: `When the better node comes back, one member of the group wants to take over at once and another one later or never.
As they change state together, what happens is for the order of packets to decide. Give all members the same nopreempt
and preempt_delay.`,
		file: unevenPreemption,
	},
	{
		ID: "HF106", Severity: diag.Warning, Title: "A script that others than root can change",
		Explanation: `The daemon runs it as root, so whoever may write the file, or replace it in its directory, becomes root. Let root own the
file and all directories above it, and nobody else write there, or let it run as another user with script_user. With
enable_script_security such scripts are not run at all. This machine is looked at; check --elsewhere does not.`,
		file: sharedScript,
	},
	{
		ID: "HF107", Severity: diag.Warning, Title: "A fail-over that takes more than 10 seconds",
		Explanation: `A backup takes over when it has heard nobody for Master_Down_Interval: down_timer_adverts (3) times advert_int, and
a little more the lower its priority is. Clients notice every second of that. An advert is a packet of some 50 bytes:
advert_int 1 costs nothing, version 3 takes fractions of a second.`,
		file: slowFailover,
	},
	{
		ID: "HF108", Severity: diag.Warning, Title: "A fail-over faster than machines can hold",
		Explanation: `The backup takes over when it has heard nobody for less than a tenth of a second. A kernel serves timers in time as long
as it runs; but a virtual machine that is paused or moved, a core that is stolen or a full queue in a switch hold an advert back
for longer than that, and then two masters answer until the next advert. If the machines are dedicated and vrrp_rt_priority is set,
silence this; elsewhere advert_int 0.1 is fast enough.`,
		file: fastFailover,
	},
	{
		ID: "HF109", Severity: diag.Warning, Title: "The node's own address among its unicast peers",
		Explanation: `unicast_peer lists the other nodes. Adverts sent to oneself are discarded at best. Usually the same list was copied to
all nodes; each needs its own, without itself.`,
		file: ownPeer,
	},
	{
		ID: "HF110", Severity: diag.Warning, Title: "A virtual address as peer or source of adverts",
		Explanation: `Virtual addresses move, so what is sent to one reaches whoever is master, perhaps the sender itself, and what is sent from
one cannot be sent while backup. Peers and sources are the addresses that nodes have of their own.`,
		file: virtualPeer,
	},
	{
		ID: "HF111", Severity: diag.Notice, Title: "Unicast without unicast_src_ip",
		Explanation: `Adverts are sent from the interface's first address then. The peers know this node by the address in their own unicast_peer
list; if another address becomes the first one, they are not talking about the same node any more. Say which address it is.`,
		file: noSource,
	},
	{
		ID: "HF112", Severity: diag.Warning, Title: "A virtual address that is no host's",
		Explanation: `The first address of a subnet is that of the subnet itself and the last one is for broadcasts; no host can be reached by them.
Often the wrong prefix length stands after the slash. For a single address without its subnet, write /32.`,
		file: subnetAddress,
	},
	{
		ID: "HF113", Severity: diag.Notice, Title: "A script that nobody tracks",
		Explanation: `A vrrp_script is run for the sake of those that name it in a track_script block; this one is named in none, so it is
not run and guards nothing.`,
		file: idleScript,
	},
	{
		ID: "HF114", Severity: diag.Warning, Title: "A script that is missing or cannot be run",
		Explanation: `A track script that cannot be run is left out, so that it guards nothing; a check that cannot be run counts as one that
succeeds; a notify script that cannot be run tells nobody. Correct the path, or chmod +x. This machine is looked at;
check --elsewhere does not, for the configuration of another one.`,
		file: absentScript,
	},
}

// Fail-over slower or faster than this is worth a word.
const (
	slowest = 10 * time.Second
	fastest = 100 * time.Millisecond
)

func sharedAddress(s *subject, say sayer) {
	type key struct {
		addr netip.Addr
		dev  string // of link-local addresses
	}
	first := map[key]*conf.VRRPInstance{}
	for _, i := range s.Instances {
		each(i, func(a conf.Address) {
			k := key{addr: a.Prefix.Addr()}
			if k.addr.IsLinkLocalUnicast() {
				if k.dev = a.Dev; k.dev == "" {
					k.dev = i.Interface
				}
			}
			o := first[k]
			switch {
			case o == nil:
				first[k] = i
			case o != i:
				say(finding{pos: a.Pos, message: fmt.Sprintf("%s is a virtual address of vrrp_instance %s already (line %d)", k.addr, o.Name, o.Pos.Line),
					expected: "an address that no other instance has"})
			}
		})
	}
}

// each calls f for all virtual addresses of an instance.
func each(i *conf.VRRPInstance, f func(a conf.Address)) {
	for _, list := range [][]conf.Address{i.Addresses, i.Excluded} {
		for _, a := range list {
			if a.Prefix.IsValid() {
				f(a)
			}
		}
	}
}

func deadWeight(s *subject, say sayer) {
	for _, i := range s.Instances {
		all := s.weights(i)
		low, high := sum(all)
		for _, t := range all {
			l, h := t.low, t.high
			// whatever the others add, does this one change anything?
			dead := func(others int) bool { return clamp(i.Priority, others+l) == clamp(i.Priority, others+h) }
			if dead(low-l) && dead(high-h) {
				say(finding{pos: t.Pos, message: fmt.Sprintf("the weight of %s cannot change priority %d of vrrp_instance %s", t.Name, i.Priority, i.Name),
					expected: "a priority that leaves room for the weight, or weight 0"})
			}
		}
	}
}

func weightWithoutPreemption(s *subject, say sayer) {
	for _, i := range s.Instances {
		if w := s.weights(i); i.NoPreempt && len(w) > 0 {
			say(finding{pos: i.Pos, keyword: "nopreempt",
				message:  fmt.Sprintf("vrrp_instance %s has nopreempt, so it does not take over when the weight of %s lowers the master's priority", i.Name, w[0].Name),
				expected: "no nopreempt, or weight 0 so that a failure means FAULT"})
		}
	}
}

func unevenGroup(s *subject, say sayer) {
	for _, g := range s.Groups {
		m := s.members(g)
		for _, i := range m[min(1, len(m)):] {
			if i.AdvertInt != m[0].AdvertInt {
				say(finding{pos: i.Pos, keyword: "advert_int",
					message:  fmt.Sprintf("vrrp_instance %s sends adverts every %s, %s of the same vrrp_sync_group every %s", i.Name, seconds(i.AdvertInt), m[0].Name, seconds(m[0].AdvertInt)),
					expected: "one advert_int for all members of " + g.Name})
			}
		}
	}
}

func unevenPreemption(s *subject, say sayer) {
	for _, g := range s.Groups {
		m := s.members(g)
		for _, i := range m[min(1, len(m)):] {
			switch {
			case i.NoPreempt != m[0].NoPreempt:
				with, without := m[0], i
				if i.NoPreempt {
					with, without = i, m[0]
				}
				say(finding{pos: i.Pos, keyword: "nopreempt",
					message:  fmt.Sprintf("vrrp_instance %s has nopreempt, %s of the same vrrp_sync_group has not", with.Name, without.Name),
					expected: "nopreempt in all members or in none"})
			case i.PreemptDelay != m[0].PreemptDelay:
				say(finding{pos: i.Pos, keyword: "preempt_delay",
					message:  fmt.Sprintf("of vrrp_sync_group %s, vrrp_instance %s waits %s before it preempts, %s %s", g.Name, i.Name, seconds(i.PreemptDelay), m[0].Name, seconds(m[0].PreemptDelay)),
					expected: "one preempt_delay for all members"})
			}
		}
	}
}

// members are the instances of a group.
func (s *subject) members(g *conf.SyncGroup) []*conf.VRRPInstance {
	var m []*conf.VRRPInstance
	for _, name := range g.Members {
		if i := s.instances[name]; i != nil {
			m = append(m, i)
		}
	}
	return m
}

// patience is Master_Down_Interval of an instance at its own priority.
func patience(i *conf.VRRPInstance) time.Duration {
	p := vrrp.Priority(min(max(i.Priority, 1), 255)) // bounded
	return vrrp.MasterDown(i.Version, p, max(i.DownTimerAdverts, 1), i.AdvertInt)
}

func slowFailover(s *subject, say sayer) {
	for _, i := range s.Instances {
		if d := patience(i); d > slowest {
			say(finding{pos: i.Pos, keyword: "advert_int",
				message: fmt.Sprintf("vrrp_instance %s takes over only %s after the master's death", i.Name, seconds(d)), expected: "a shorter advert_int"})
		}
	}
}

func fastFailover(s *subject, say sayer) {
	for _, i := range s.Instances {
		if d := patience(i); d < fastest {
			say(finding{pos: i.Pos, keyword: "advert_int",
				message: fmt.Sprintf("vrrp_instance %s takes over %s after the last advert, any pause of a machine is longer", i.Name, seconds(d)), expected: "a longer advert_int"})
		}
	}
}

func ownPeer(s *subject, say sayer) {
	for _, i := range s.Instances {
		for _, p := range i.Peers {
			if p.Addr == i.SrcIP {
				say(finding{pos: i.Pos, keyword: "unicast_peer", message: fmt.Sprintf("%s is the node's own address, and a unicast_peer of vrrp_instance %s", p.Addr, i.Name),
					expected: "the addresses of the other nodes"})
			}
		}
	}
}

func virtualPeer(s *subject, say sayer) {
	owner := map[netip.Addr]string{}
	for _, i := range s.Instances {
		if i.Priority != 255 { // whose addresses are the node's own
			each(i, func(a conf.Address) { owner[a.Prefix.Addr()] = i.Name })
		}
	}
	for _, i := range s.Instances {
		for _, p := range i.Peers {
			if o := owner[p.Addr]; o != "" {
				say(finding{pos: i.Pos, keyword: "unicast_peer", message: fmt.Sprintf("unicast_peer %s is a virtual address of vrrp_instance %s", p.Addr, o),
					expected: "addresses that the other nodes have of their own"})
			}
		}
		if o := owner[i.SrcIP]; o != "" {
			keyword := "mcast_src_ip"
			if i.Unicast {
				keyword = "unicast_src_ip"
			}
			say(finding{pos: i.Pos, keyword: keyword, message: fmt.Sprintf("%s %s is a virtual address of vrrp_instance %s", keyword, i.SrcIP, o),
				expected: "an address that the node has of its own"})
		}
	}
}

func noSource(s *subject, say sayer) {
	for _, i := range s.Instances {
		if i.Unicast && !i.SrcIP.IsValid() {
			say(finding{pos: i.Pos, keyword: "unicast_peer", message: fmt.Sprintf("vrrp_instance %s has unicast peers and no unicast_src_ip", i.Name),
				expected: "unicast_src_ip with the address by which the peers know this node"})
		}
	}
}

func subnetAddress(s *subject, say sayer) {
	for _, i := range s.Instances {
		each(i, func(a conf.Address) {
			p := a.Prefix
			if !p.Addr().Is4() || p.Bits() < 1 || p.Bits() > 30 || a.Peer.IsValid() {
				return
			}
			what := ""
			switch p.Addr() {
			case p.Masked().Addr():
				what = "the address of the subnet itself"
			case last(p):
				what = "the subnet's broadcast address"
			default:
				return
			}
			say(finding{pos: a.Pos, message: fmt.Sprintf("virtual address %s is %s", p, what), expected: "a host's address, or another prefix length"})
		})
	}
}

// last is the last address of an IPv4 subnet.
func last(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b)
}
