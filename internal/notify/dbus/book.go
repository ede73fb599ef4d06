package dbus

import (
	"strings"

	"github.com/holdfast-ha/holdfast/internal/feed"
)

// instance is one VRRP instance's object.
type instance struct {
	path, name string
	status     status
}

// signal is one to be emitted.
type signal struct {
	path, iface, member string
	args                []any
}

// book has the objects that there are; it makes signals of news. It does no I/O.
type book struct {
	names
	known     bool // something was heard
	instances []*instance
	byPath    map[string]*instance
}

func (b *book) signal(member string) signal {
	return signal{path: b.vrrp(), iface: vrrpIface, member: member}
}

func (i *instance) signal() signal {
	return signal{path: i.path, iface: instanceIface, member: "VrrpStatusChange", args: []any{i.status.Number}}
}

// news takes what the VRRP child says, and returns what is to be told of it, in
// keepalived's order.
func (b *book) news(n *feed.VRRP) (out []signal) {
	b.known = true
	switch n.Why {
	case feed.Changed:
		for i := range n.Routers {
			out = b.change(out, &n.Routers[i])
		}
	case feed.Began:
		b.replace(n.Routers)
		out = b.all()
	case feed.Present, feed.Reloaded:
		for i := range n.Gone {
			out = b.change(out, &n.Gone[i])
		}
		if n.Why == feed.Reloaded {
			out = append(out, b.signal("VrrpReloaded"))
		}
		was := b.byPath
		b.replace(n.Routers)
		for _, i := range b.instances {
			if old := was[i.path]; i.status.Number != 0 && (old == nil || old.status != i.status) {
				out = append(out, i.signal())
			}
		}
	case feed.Stopped:
		for _, i := range b.instances {
			i.status = stopped
			out = append(out, i.signal())
		}
	}
	return out
}

// change notes the state of one that is known.
func (b *book) change(out []signal, r *feed.Router) []signal {
	i := b.byPath[b.instance(r)]
	if i == nil || i.status == statusOf(r) {
		return out
	}
	i.status = statusOf(r)
	return append(out, i.signal())
}

// replace makes objects of all the routers there are.
func (b *book) replace(routers []feed.Router) {
	b.instances, b.byPath = nil, map[string]*instance{}
	for at := range routers {
		r := &routers[at]
		i := &instance{path: b.instance(r), name: r.Name, status: statusOf(r)}
		if b.byPath[i.path] == nil { // two names may differ in what has no place in a path
			b.byPath[i.path] = i
			b.instances = append(b.instances, i)
		}
	}
}

// all is what whoever begins to listen is told.
func (b *book) all() []signal {
	out := []signal{b.signal("VrrpStarted")}
	for _, i := range b.instances {
		if i.status.Number != 0 {
			out = append(out, i.signal())
		}
	}
	return out
}

// below returns the names of what is directly below a path, each once.
func (b *book) below(path string) (names []string) {
	prefix := strings.TrimSuffix(path, "/") + "/"
	seen := map[string]bool{}
	look := func(p string) {
		rest, ok := strings.CutPrefix(p, prefix)
		if !ok {
			return
		}
		if name, _, _ := strings.Cut(rest, "/"); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	look(b.vrrp())
	for _, i := range b.instances {
		look(i.path)
	}
	return names
}
