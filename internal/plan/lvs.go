package plan

import (
	"fmt"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/print"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// server is a virtual server: as the checkers run it, and as it is configured.
type server struct {
	pool *build.Pool
	conf *conf.VirtualServer

	global *conf.Global
	// blocks are the real servers as they are printed, while it is compared.
	blocks map[lvs.ServerKey]*print.Block
}

// servers finds for each pool the virtual_server that it is made of.
func servers(c *conf.Config) (byID map[string]*server, order []*server) {
	all := build.FromLVS(c)
	byID = make(map[string]*server, len(all.Pools))
	for i := range all.Pools {
		byID[all.Pools[i].ID] = &server{pool: all.Pools[i]}
	}
	groups := make(map[string]*conf.ServerGroup, len(c.ServerGroups))
	for _, g := range c.ServerGroups {
		groups[g.Name] = g
	}
	for _, v := range c.VirtualServers {
		alone := conf.Config{Global: c.Global, VirtualServers: []*conf.VirtualServer{{
			Addr: v.Addr, Port: v.Port, FWMark: v.FWMark, Group: v.Group, Family: v.Family, Protocol: v.Protocol,
		}}}
		if g := groups[v.Group]; g != nil {
			alone.ServerGroups = []*conf.ServerGroup{g}
		}
		one := build.FromLVS(&alone)
		if len(one.Pools) != 1 {
			continue
		}
		if s := byID[one.Pools[0].ID]; s != nil && s.conf == nil {
			s.conf, s.global = v, &c.Global
			order = append(order, s)
		}
	}
	return byID, order
}

// services matches virtual servers by their address, port and protocol, or
// what stands for these.
func (p *Plan) services(have, want *conf.Config) {
	was, before := servers(have)
	now, order := servers(want)
	inherit := build.Same(&have.Global, &want.Global)
	for _, n := range order {
		o := was[n.pool.ID]
		if o == nil || o.conf == nil {
			p.add(Object{Kind: "virtual_server", Name: n.pool.Name, Verdict: Added, Parts: whole(n, Added)})
			continue
		}
		p.add(service(o, n, inherit && build.Same(o.conf, n.conf)))
	}
	for _, o := range before {
		if n := now[o.pool.ID]; n == nil || n.conf == nil {
			p.add(Object{Kind: "virtual_server", Name: o.pool.Name, Verdict: Removed, Parts: whole(o, Removed)})
		}
	}
}

// whole are the real servers of a virtual server that comes or goes.
func whole(s *server, v Verdict) (out []Object) {
	for i := range s.pool.PoolConfig.Servers {
		out = append(out, Object{Kind: "real_server", Name: s.pool.PoolConfig.Servers[i].Name, Verdict: v})
	}
	return out
}

// service compares a virtual server, which goes on. Printing is dear where there
// are thousands: what says the same is left out.
func service(have, want *server, same bool) Object {
	x, y := &print.Block{}, &print.Block{}
	if !same {
		x, y = have.print(), want.print()
	}
	o := judge("virtual_server", want.pool.Name, compare(x, y))
	defer func() { have.blocks, want.blocks = nil, nil }()
	if c, ok := lists(Change{Keyword: "services"}, keys(have.pool), keys(want.pool)); ok {
		o.Verdict, o.Changes = Changed, append(o.Changes, c)
	}
	old := map[lvs.ServerKey]int{}
	for i := range have.pool.PoolConfig.Servers {
		old[have.pool.PoolConfig.Servers[i].Key] = i
	}
	for i := range want.pool.PoolConfig.Servers {
		key := want.pool.PoolConfig.Servers[i].Key
		at, ok := old[key]
		if !ok {
			o.Parts = append(o.Parts, Object{Kind: "real_server", Name: want.pool.PoolConfig.Servers[i].Name, Verdict: Added, Why: "it is taken in as its checks and alpha say"})
			continue
		}
		delete(old, key)
		o.Parts = append(o.Parts, realServer(have, at, want, i))
	}
	for i := range have.pool.PoolConfig.Servers {
		s := &have.pool.PoolConfig.Servers[i]
		if _, gone := old[s.Key]; gone {
			o.Parts = append(o.Parts, Object{Kind: "real_server", Name: s.Name, Verdict: Removed})
		}
	}
	return o
}

func keys(p *build.Pool) []string {
	out := make([]string, len(p.Keys))
	for i, k := range p.Keys {
		out[i] = fmt.Sprint(k)
	}
	return out
}

// realServer compares a server, which goes on, and matches its checks.
func realServer(have *server, a int, want *server, b int) Object {
	x, y := have.block(a), want.block(b)
	o := judge("real_server", want.pool.PoolConfig.Servers[b].Name, compare(x, y))
	old, now := have.pool.Servers[a].Checks, want.pool.Servers[b].Checks
	running := make([]*build.HealthCheck, len(old))
	for i := range old {
		running[i] = &old[i]
	}
	from := Checks(running, now)
	left := make([]bool, len(old))
	for i := range left {
		left[i] = true
	}
	for _, at := range from {
		if at >= 0 {
			left[at] = false
		}
	}
	cx, cy := checkers(x, len(old)), checkers(y, len(now))
	for i, at := range from {
		kind := now[i].Probe.Kind
		switch {
		case at >= 0:
			c := judge(kind, "", compare(cx[at], cy[i]))
			if c.Verdict == Kept && different(&old[at], &now[i]) {
				c.Verdict = Changed
			}
			o.Parts = append(o.Parts, c)
		default:
			o.Parts = append(o.Parts, fresh(old, left, cx, kind, cy[i]))
		}
	}
	for at, gone := range left {
		if gone {
			o.Parts = append(o.Parts, Object{Kind: old[at].Probe.Kind, Verdict: Removed})
		}
	}
	return o
}

// fresh is a check that begins anew; it takes the place of the first one of
// its kind that ends.
func fresh(old []build.HealthCheck, left []bool, was []*print.Block, kind string, now *print.Block) Object {
	for at := range old {
		if left[at] && old[at].Probe.Kind == kind {
			left[at] = false
			return Object{Kind: kind, Verdict: Restarted, Changes: compare(was[at], now),
				Why: "it does something else and begins anew; a server that is up stays up until it says otherwise"}
		}
	}
	return Object{Kind: kind, Verdict: Added}
}

// different reports whether a check that goes on has another schedule.
func different(a, b *build.HealthCheck) bool {
	return *a.Schedule != *b.Schedule || a.LogAll != b.LogAll
}

// block is the real_server that the pool's nth is made of.
func (s *server) block(n int) *print.Block {
	if b := s.blocks[s.pool.PoolConfig.Servers[n].Key]; b != nil {
		return b
	}
	return &print.Block{}
}

// print gives the virtual server as it is printed, and finds its real servers
// by address and port; of several the first counts.
func (s *server) print() *print.Block {
	tree := print.VirtualServer(s.conf, s.global)
	s.blocks = make(map[lvs.ServerKey]*print.Block, len(s.conf.Servers))
	n := 0
	for _, b := range tree.Blocks {
		if b.Keyword != "real_server" {
			continue
		}
		rs := s.conf.Servers[n]
		n++
		key := lvs.ServerKey{Addr: rs.Addr, Port: rs.Port}
		if key.Port == 0 {
			key.Port = s.conf.Port
		}
		if s.blocks[key] == nil {
			s.blocks[key] = b
		}
	}
	return tree
}

// checkers are the n checkers of a real server that run.
func checkers(b *print.Block, n int) []*print.Block {
	out := make([]*print.Block, 0, n)
	for _, c := range b.Blocks {
		if build.Checks(c.Keyword) {
			out = append(out, c)
		}
	}
	for len(out) < n {
		out = append(out, &print.Block{})
	}
	return out
}

// kinds counts objects in words: "2 vrrp_instance, 1 virtual_server".
func kinds(objects []Object, v Verdict) string {
	var order []string
	count := map[string]int{}
	for _, o := range objects {
		if o.Verdict == v && !changes(o.Parts) {
			if count[o.Kind] == 0 {
				order = append(order, o.Kind)
			}
			count[o.Kind]++
		}
	}
	for i, k := range order {
		if k != "global_defs" {
			order[i] = fmt.Sprintf("%d %s", count[k], k)
		}
	}
	return strings.Join(order, ", ")
}
