package lint

import (
	"net/netip"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// Member is one node of a cluster: its configuration, and the text of it.
type Member struct {
	Name   string // in messages; the file's name
	ID     string // the configuration id, where one text is for several nodes
	Config *conf.Config
	Files  source.Files // as in Options
}

// Cluster holds the configurations of all nodes against each other. Instances
// belong together by family and virtual_router_id; where a node has several
// of these, by their addresses, names and interfaces. What Run says of each
// configuration is not repeated.
func Cluster(all []Member) diag.List {
	if len(all) < 2 {
		return nil
	}
	r := reporter{text: newText(everyText(all))}
	c := newCluster(all)
	table := rules()
	for i := range table {
		r.rule = &table[i]
		if f := r.rule.nodes; f != nil {
			f(c, r.say)
		}
		if f := r.rule.router; f != nil {
			for _, v := range c.routers {
				f(v, r.say)
			}
		}
	}
	return r.done()
}

// everyText reads a file from whichever member has it.
type everyText []Member

func (e everyText) Read(name string) (b []byte, err error) {
	err = source.ErrNotInSet
	for i := range e {
		if e[i].Files == nil {
			continue
		}
		if b, err = e[i].Files.Read(name); err == nil {
			break
		}
	}
	return b, err
}

func (e everyText) Glob(string) ([]string, error) { return nil, source.ErrNotInSet }

// cluster is all nodes, and the virtual routers that they share.
type cluster struct {
	nodes   []*node
	routers []*virtualRouter
	of      map[*conf.VRRPInstance]*virtualRouter
}

// node is one member.
type node struct {
	*subject
	name string
	id   string // " (@ID)", if the text is for several nodes
}

// virtualRouter is one virtual router in all nodes that have it.
type virtualRouter struct {
	family, vrid int
	parts        []part // in the order of the nodes
	all          []*node
}

// part is a virtual router in one node.
type part struct {
	*conf.VRRPInstance
	node *node
}

// at is the place of a part, for a message that stands elsewhere.
func (p part) at() string { return p.node.at(p.Pos) }

// title names a part in messages about it.
func (p part) title() string {
	return "vrrp_instance " + p.Name + p.node.id
}

func (n *node) at(pos conf.Pos) string {
	return at(pos) + n.id
}

func newCluster(all []Member) *cluster {
	c := &cluster{of: map[*conf.VRRPInstance]*virtualRouter{}}
	for _, m := range all {
		n := &node{subject: newSubject(m.Config, nil), name: m.Name}
		if m.ID != "" {
			n.id = " (@" + m.ID + ")"
			n.name += n.id
		}
		c.nodes = append(c.nodes, n)
	}
	type key struct{ family, vrid int }
	known := map[key][]*virtualRouter{}
	for _, n := range c.nodes {
		mine := map[key][]*conf.VRRPInstance{}
		var keys []key
		for _, i := range n.Instances {
			k := key{i.Family, i.VRID}
			if mine[k] == nil {
				keys = append(keys, k)
			}
			mine[k] = append(mine[k], i)
		}
		for _, k := range keys {
			for _, i := range c.match(n, mine[k], known[k]) {
				v := &virtualRouter{family: k.family, vrid: k.vrid, all: c.nodes}
				c.join(v, n, i)
				known[k] = append(known[k], v)
				c.routers = append(c.routers, v)
			}
		}
	}
	for _, v := range c.routers {
		v.all = c.nodes
	}
	return c
}

// match joins the instances of one node to known virtual routers of the same
// number, the surest first, and returns those that are new.
func (c *cluster) match(n *node, mine []*conf.VRRPInstance, known []*virtualRouter) []*conf.VRRPInstance {
	alone := len(mine) == 1 && len(known) == 1
	for _, like := range []func(a, b *conf.VRRPInstance) bool{
		overlap,
		func(a, b *conf.VRRPInstance) bool { return a.Name == b.Name },
		func(a, b *conf.VRRPInstance) bool { return a.Interface == b.Interface },
		func(_, _ *conf.VRRPInstance) bool { return alone },
	} {
		rest := mine[:0:0]
		for _, i := range mine {
			if v := pick(known, n, i, like); v != nil {
				c.join(v, n, i)
			} else {
				rest = append(rest, i)
			}
		}
		mine = rest
	}
	return mine
}

func pick(known []*virtualRouter, n *node, i *conf.VRRPInstance, like func(a, b *conf.VRRPInstance) bool) *virtualRouter {
	for _, v := range known {
		if v.parts[len(v.parts)-1].node != n && like(v.parts[0].VRRPInstance, i) {
			return v
		}
	}
	return nil
}

func (c *cluster) join(v *virtualRouter, n *node, i *conf.VRRPInstance) {
	v.parts = append(v.parts, part{i, n})
	c.of[i] = v
}

// overlap reports whether two instances have an address in common.
func overlap(a, b *conf.VRRPInstance) bool {
	for _, x := range a.Addresses {
		for _, y := range b.Addresses {
			if x.Prefix.Addr() == y.Prefix.Addr() {
				return true
			}
		}
	}
	return false
}

// strangers share a number on a link and nothing else.
func strangers(a, b *conf.VRRPInstance) bool {
	return len(a.Addresses) > 0 && len(b.Addresses) > 0 && !overlap(a, b)
}

// others calls f for every part after the first that is the same virtual
// router, with the first.
func (v *virtualRouter) others(f func(first, p part)) {
	for _, p := range v.parts[1:] {
		if !strangers(v.parts[0].VRRPInstance, p.VRRPInstance) {
			f(v.parts[0], p)
		}
	}
}

// best is the node that wins by priority alone; nil if two are equal.
func (v *virtualRouter) best() *node {
	var best *part
	tie := false
	for i := range v.parts {
		p := &v.parts[i]
		switch {
		case best == nil || p.Priority > best.Priority:
			best, tie = p, false
		case p.Priority == best.Priority:
			tie = true
		}
	}
	if tie || len(v.parts) < 2 {
		return nil
	}
	return best.node
}

// addresses are those in adverts, as a set.
func addresses(i *conf.VRRPInstance) map[netip.Addr]bool {
	set := make(map[netip.Addr]bool, len(i.Addresses))
	for _, a := range i.Addresses {
		set[a.Prefix.Addr()] = true
	}
	return set
}
