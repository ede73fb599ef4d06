package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// Member is one node of a cluster, as its configuration has it.
type Member struct {
	Name    string   // what scripts and transcripts call it
	Aliases []string // what scripts may call it besides
	VRRP    build.VRRP
	BFD     build.BFD
}

// Join adds the nodes of a cluster and connects them: interfaces on which they
// have the same virtual router are one link.
func (w *World) Join(members []Member) error {
	if len(w.hosts)+len(members) > MaxHosts {
		return fmt.Errorf("more than %d nodes", MaxHosts)
	}
	w.cluster, w.names, w.said = true, map[netip.Addr]string{}, map[remark]bool{}
	links, sources := connect(members), speakers(members)
	for i, m := range members {
		h := &host{name: m.Name, aliases: m.Aliases, facts: map[string]fact{}, ports: map[string]port{}}
		h.wanted = config{m.VRRP.Node}.clone()
		for j := range m.VRRP.Routers {
			r := &m.VRRP.Routers[j]
			p := portOf(r)
			p.link = links[place{i, j}]
			p.src = sources[place{i, j}]
			if !p.src.IsValid() {
				p.src = madeUp(i, r.Family)
				w.names[p.src] = m.Name
			}
			h.ports[r.Name] = p
			if r.Blocked != "" {
				h.facts[build.SourceTrack(r.Name, r.Base)] = fact{why: r.Blocked}
			}
			w.width = max(w.width, len(h.title(r.Name)))
		}
		w.hosts = append(w.hosts, h)
	}
	w.joinSessions(members)
	w.serve(members)
	return nil
}

// madeUp is the address of a node whose configuration does not say which it
// has; nodes are compared by them when priorities are the same.
func madeUp(i, family int) netip.Addr {
	if family == 6 {
		return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 15: byte(i + 1)})
	}
	return netip.AddrFrom4([4]byte{198, 51, 100, byte(i + 1)})
}

func portOf(r *build.Router) port {
	p := port{
		family: r.Family, group: r.Group, unicast: r.Unicast, strict: r.CheckSource,
		authType: r.AuthType, authData: r.AuthData, hmac: r.HMAC,
	}
	if r.Unicast {
		for _, peer := range r.Peers {
			p.peers = append(p.peers, peer.Addr)
		}
	}
	return p
}

// place is a router of a member, by their indexes.
type place struct{ member, router int }

// virtual is what makes routers of different nodes the same virtual router.
type virtual struct{ vrid, family int }

// meeting is all that carry one virtual router on one link.
type meeting []place

func (m meeting) has(member int) bool {
	return slices.ContainsFunc(m, func(p place) bool { return p.member == member })
}

// meet sorts routers by VRID and family. A node may have the same VRID on two
// interfaces: then those of the same name belong together, and any others by
// their order.
func meet(members []Member) []meeting {
	var keys []virtual
	named := map[virtual]map[string]meeting{}
	order := map[virtual][]string{}
	for i := range members {
		for j := range members[i].VRRP.Routers {
			r := &members[i].VRRP.Routers[j]
			k := virtual{int(r.VRID), r.Family}
			if named[k] == nil {
				named[k] = map[string]meeting{}
				keys = append(keys, k)
			}
			if named[k][r.Base] == nil {
				order[k] = append(order[k], r.Base)
			}
			named[k][r.Base] = append(named[k][r.Base], place{i, j})
		}
	}
	var all []meeting
	for _, k := range keys {
		first := len(all)
		for _, name := range order[k] {
			m := named[k][name]
			at := slices.IndexFunc(all[first:], func(o meeting) bool {
				return !slices.ContainsFunc(m, func(p place) bool { return o.has(p.member) })
			})
			if at >= 0 {
				all[first+at] = append(all[first+at], m...)
			} else {
				all = append(all, m)
			}
		}
	}
	return all
}

// connect names the link of every router: that of its interface, joined to the
// interfaces of others on which one of its virtual routers is.
func connect(members []Member) map[place]string {
	type plug struct {
		member int
		dev    string
	}
	parent := map[plug]plug{}
	var root func(p plug) plug
	root = func(p plug) plug {
		if up, ok := parent[p]; ok && up != p {
			return root(up)
		}
		return p
	}
	at := func(p place) plug { return plug{p.member, members[p.member].VRRP.Routers[p.router].Base} }
	all := meet(members)
	for _, m := range all {
		for _, p := range m[1:] {
			if a, b := root(at(m[0])), root(at(p)); a != b {
				parent[b] = a
			}
		}
	}
	links := map[place]string{}
	for _, m := range all {
		for _, p := range m {
			r := root(at(p))
			links[p] = fmt.Sprintf("%s.%s", members[r.member].Name, r.dev)
		}
	}
	return links
}

// speakers are the addresses that routers send from, where configurations say
// so: by a source address, or since it is the one peer that all others have
// and the router itself has not.
func speakers(members []Member) map[place]netip.Addr {
	out := map[place]netip.Addr{}
	for _, m := range meet(members) {
		known := map[netip.Addr]bool{}
		for _, p := range m {
			if src := members[p.member].VRRP.Routers[p.router].Source; src.IsValid() {
				out[p] = src
				known[src] = true
			}
		}
		for _, p := range m {
			if _, ok := out[p]; ok || !members[p.member].VRRP.Routers[p.router].Unicast {
				continue
			}
			if only := onlyPeer(members, m, p, known); only.IsValid() {
				out[p] = only
			}
		}
	}
	return out
}

// onlyPeer is the address that others send to and that nobody else can have.
func onlyPeer(members []Member, m meeting, own place, known map[netip.Addr]bool) (only netip.Addr) {
	mine := map[netip.Addr]bool{}
	for _, p := range members[own.member].VRRP.Routers[own.router].Peers {
		mine[p.Addr] = true
	}
	for _, o := range m {
		if o == own {
			continue
		}
		for _, p := range members[o.member].VRRP.Routers[o.router].Peers {
			switch {
			case mine[p.Addr] || known[p.Addr] || p.Addr == only:
			case only.IsValid():
				return netip.Addr{} // two could be meant
			default:
				only = p.Addr
			}
		}
	}
	return only
}

// named puts the names of nodes in the place of addresses that were made up.
func (w *World) named(text string) string {
	if len(w.names) == 0 {
		return text
	}
	words := strings.Split(text, " ")
	for i, word := range words {
		bare := strings.TrimRight(word, ",:;)")
		if a, err := netip.ParseAddr(bare); err == nil && w.names[a] != "" {
			words[i] = w.names[a] + word[len(bare):]
		}
	}
	return strings.Join(words, " ")
}

// Patience is how long a run should be for an election to be over: the longest
// that any router waits, in whole tens of seconds.
func (w *World) Patience() time.Duration {
	const step = 10 * time.Second
	longest := time.Duration(0)
	for _, h := range w.hosts {
		for i := range h.wanted.Routers {
			r := &h.wanted.Routers[i]
			down := vrrp.MasterDown(r.Version, r.Priority, max(r.DownAdverts, 3), r.Advert)
			longest = max(longest, down+r.PreemptDelay+h.wanted.StartupDelay)
		}
	}
	return (longest + time.Second + step - 1) / step * step
}
