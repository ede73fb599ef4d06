// Package mib makes of what the daemon knows what SNMP asks for: the objects of
// KEEPALIVED-MIB, of VRRP-MIB (RFC 2787) and of VRRPV3-MIB (RFC 6527), and the
// contents of their traps.
//
// It decides only: a State comes in, a Tree of values comes out. Where the
// numbers come from is outletd's business, and how they travel notify/snmp's.
// The MIB files are those that come with keepalived; what keepalived leaves out
// where there is nothing to say is left out here too.
//
// global.go has what is said of the daemon, vrrp.go instances and groups,
// track.go what they watch, address.go, route.go and rule.go what they hold,
// lvs.go virtual and real servers, traffic.go their counters, rfc2787.go and
// rfc6527.go the standard's own tables, traps.go and refused.go the traps, set.go
// what can be set.
package mib

import (
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/dump"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// Where the three MIBs are.
var (
	Keepalived = agentx.ParseOID("1.3.6.1.4.1.9586.100.5")
	RFC2787    = agentx.ParseOID("1.3.6.1.2.1.68")
	RFC6527    = agentx.ParseOID("1.3.6.1.2.1.207")
)

var (
	global = Keepalived.With(1)
	vrrp   = Keepalived.With(2)
	check  = Keepalived.With(3)
)

// Parts are those that the configuration asks for (enable_snmp_*).
type Parts struct{ VRRP, Checker, RFCv2, RFCv3 bool }

// Any reports whether anything is asked for.
func (p Parts) Any() bool { return p != Parts{} }

// Roots are the subtrees that the parts are in.
func (p Parts) Roots() (out []agentx.OID) {
	if p.VRRP || p.Checker {
		out = append(out, Keepalived)
	}
	if p.RFCv2 {
		out = append(out, RFC2787)
	}
	if p.RFCv3 {
		out = append(out, RFC6527)
	}
	return out
}

// State is everything that there is to tell.
type State struct {
	Version string // of the program, for people
	Parts   Parts
	Conf    *conf.Config
	VRRP    dump.VRRP     // as the VRRP child has it; empty without one
	Pools   []api.Service // as the checker child has them
	Links   []dump.Interface
	Now     time.Time
	// Epoch is when the master agent's sysUpTime was 0; zero: not known.
	Epoch time.Time
}

// Build makes the tree. The state is the tree's from now on.
func Build(s *State) *Tree {
	b := &builder{State: s, Tree: &Tree{}, links: byLink(s)}
	if s.Parts.VRRP || s.Parts.Checker {
		b.globals()
	}
	routers := b.routers()
	if s.Parts.VRRP {
		b.instances(routers)
		b.groups()
		b.tracked()
		b.addresses(routers)
		b.routes(routers)
		b.rules(routers)
	}
	if s.Parts.Checker && len(s.Conf.VirtualServers) > 0 {
		b.serverGroups()
		b.servers()
		b.kernel()
	}
	if s.Parts.RFCv2 {
		b.rfc2787(routers)
	}
	if s.Parts.RFCv3 {
		b.rfc6527(routers)
	}
	return b.finish()
}

// builder fills a tree.
type builder struct {
	*State
	*Tree
	links map[string]*dump.Interface
}

func byLink(s *State) map[string]*dump.Interface {
	return byName(s.Links, func(l *dump.Interface) string { return l.Name })
}

// ifIndex is a link's index, 0 if it is not there.
func (b *builder) ifIndex(name string) int {
	if l := b.links[name]; l != nil {
		return l.Index
	}
	return 0
}

// router is an instance as written and as it is.
type router struct {
	n    int // from 1, in the configuration's order
	conf *conf.VRRPInstance
	is   dump.Router
	in   *conf.SyncGroup // nil: none
}

// base is its priority without what it tracks: as configured, or set.
func (r *router) base() int { return choose(r.is.Base != 0, r.is.Base, r.conf.Priority) }

func (r *router) preempts() bool { return choose(r.is.Base != 0, r.is.Preempt, !r.conf.NoPreempt) }

// link is where the router is: the virtual interface, if it has one.
func (r *router) link() string { return choose(r.is.VMAC != "", r.is.VMAC, r.conf.Interface) }

func (b *builder) routers() []router {
	is := make(map[string]*dump.Router, len(b.VRRP.Routers))
	for i := range b.VRRP.Routers {
		is[b.VRRP.Routers[i].Name] = &b.VRRP.Routers[i]
	}
	in := map[string]*conf.SyncGroup{}
	for _, g := range b.Conf.Groups {
		for _, m := range g.Members {
			in[m] = g
		}
	}
	out := make([]router, 0, len(b.Conf.Instances))
	for i, c := range b.Conf.Instances {
		one := router{n: i + 1, conf: c, in: in[c.Name], is: dump.Router{Name: c.Name, State: "INIT", Priority: c.Priority}}
		if r := is[c.Name]; r != nil {
			one.is = *r
		}
		out = append(out, one)
	}
	return out
}
