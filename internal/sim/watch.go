package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// maxStretches bounds what is kept of one service's history, and maxShown
// what a summary shows of it.
const (
	maxStretches = 10_000
	maxShown     = 40
)

// service is what clients see of a virtual router: addresses that one node
// should have at any time.
type service struct {
	title     string
	addresses []netip.Addr
	routers   map[int][]string // by host: which of its instances serve it

	serving uint64 // hosts that have the addresses now, a bit each
	since   clock.Instant
	past    []stretch
	sum     total
	spans   int // times without a server
}

// stretch is a time during which the same hosts served.
type stretch struct {
	from, to clock.Instant
	serving  uint64
}

// total is how long a service was badly off.
type total struct{ none, longest, twice time.Duration }

// serve makes services of the routers of a cluster: those that meet on a link,
// and those that have an address in common though they do not.
func (w *World) serve(members []Member) {
	for _, m := range meet(members) {
		r := &members[m[0].member].VRRP.Routers[m[0].router]
		v := &service{routers: map[int][]string{}}
		for _, p := range m {
			o := &members[p.member].VRRP.Routers[p.router]
			v.routers[p.member] = append(v.routers[p.member], o.Name)
			for _, a := range o.Addresses {
				if !slices.Contains(v.addresses, a.Prefix.Addr()) {
					v.addresses = append(v.addresses, a.Prefix.Addr())
				}
			}
		}
		v.title = fmt.Sprintf("%s (virtual_router_id %d)", r.Name, r.VRID)
		w.services = append(w.services, v)
	}
	for i := 0; i < len(w.services); i++ {
		for j := len(w.services) - 1; j > i; j-- {
			if w.services[i].absorb(w.services[j]) {
				w.services = slices.Delete(w.services, j, j+1)
				j = len(w.services)
			}
		}
	}
}

// absorb takes in a service that has an address of this one.
func (v *service) absorb(o *service) bool {
	if !slices.ContainsFunc(o.addresses, func(a netip.Addr) bool { return slices.Contains(v.addresses, a) }) {
		return false
	}
	for host, names := range o.routers {
		v.routers[host] = append(v.routers[host], names...)
	}
	for _, a := range o.addresses {
		if !slices.Contains(v.addresses, a) {
			v.addresses = append(v.addresses, a)
		}
	}
	v.title += " and " + o.title
	return true
}

// observe notes who serves what now.
func (w *World) observe() {
	for _, v := range w.services {
		var serving uint64
		for i, names := range v.routers {
			if w.hosts[i].serves(names) {
				serving |= 1 << i
			}
		}
		if serving != v.serving {
			v.turn(w.now, serving)
		}
	}
}

// serves reports whether a host answers for the addresses of its routers. A
// process that is paused leaves them in the kernel; a machine that is
// suspended, killed or without its link does not answer.
func (h *host) serves(names []string) bool {
	if h.node == nil || h.suspended {
		return false
	}
	for i := range h.node.Routers() {
		if h.node.StateOf(i) != vrrp.Active || i >= len(h.current.Routers) {
			continue
		}
		if r := &h.current.Routers[i]; slices.Contains(names, r.Name) && !h.linkDown(r) {
			return true
		}
	}
	return false
}

// turn ends a stretch and begins another.
func (v *service) turn(now clock.Instant, serving uint64) {
	if now > v.since {
		v.sum, v.spans = v.total(now), v.spans+bool2int(v.serving == 0)
		if len(v.past) < maxStretches {
			v.past = append(v.past, stretch{v.since, now, v.serving})
		}
	}
	v.since, v.serving = now, serving
}

func bool2int(b bool) int {
	if b {
		return 1
	}
	return 0
}

// total adds the stretch under way.
func (v *service) total(now clock.Instant) total {
	t, d := v.sum, now.Sub(v.since)
	switch {
	case v.serving == 0:
		t.none += d
		t.longest = max(t.longest, d)
	case v.serving&(v.serving-1) != 0:
		t.twice += d
	}
	return t
}

// Summary says of every service who served it when, and for how long nobody
// did or several.
func (w *World) Summary() string {
	w.observe()
	var b strings.Builder
	for _, v := range w.services {
		fmt.Fprintf(&b, "%s: %s\n", v.title, v.what())
		past := append(slices.Clone(v.past), stretch{v.since, w.now, v.serving})
		for _, s := range past[:min(len(past), maxShown)] {
			if s.to > s.from {
				fmt.Fprintf(&b, "  %9.3f  for %-9s %s\n", time.Duration(s.from).Seconds(), span(s.to.Sub(s.from)), w.who(&s))
			}
		}
		if more := len(past) - maxShown; more > 0 {
			fmt.Fprintf(&b, "  and %d more changes\n", more)
		}
		t := v.total(w.now)
		spans := v.spans + bool2int(v.serving == 0 && w.now > v.since)
		fmt.Fprintf(&b, "  unserved for %s", span(t.none))
		if spans > 1 {
			fmt.Fprintf(&b, ", %d times, the longest %s", spans, span(t.longest))
		}
		fmt.Fprintf(&b, "; served twice for %s\n", span(t.twice))
	}
	return b.String()
}

func (v *service) what() string {
	if len(v.addresses) == 0 {
		return "no addresses"
	}
	var texts []string
	for i, a := range v.addresses {
		if i == 5 {
			texts = append(texts, fmt.Sprintf("and %d more", len(v.addresses)-i))
			break
		}
		texts = append(texts, a.String())
	}
	return strings.Join(texts, " ")
}

// handover is for how long two may serve without that being called out: one
// has taken over, and its advert is on its way to the other.
const handover = 10 * time.Millisecond

// who are the hosts that served in a stretch.
func (w *World) who(s *stretch) string {
	var names []string
	for i, h := range w.hosts {
		if s.serving>>i&1 == 1 {
			names = append(names, h.name)
		}
	}
	switch len(names) {
	case 0:
		return "nobody"
	case 1:
		return names[0]
	}
	if s.to.Sub(s.from) <= handover {
		return strings.Join(names, " and ") + ": the first to hear of the other yields"
	}
	return strings.Join(names, " and ") + " AT ONCE"
}

// span prints a time to the tenth of a millisecond, as a person would.
func span(d time.Duration) string { return d.Round(100 * time.Microsecond).String() }

// remark is something that a router says whenever it hears an advert; it is
// shown once until the router changes.
type remark struct {
	host   *host
	router string
	text   string
}

// first reports whether that is news. Scenarios show everything.
func (w *World) first(h *host, a vrrp.Tell) bool {
	if !w.cluster {
		return true
	}
	switch a.Kind {
	case vrrp.LowerHeard, vrrp.HigherHeard, vrrp.AddressMismatch, vrrp.IntervalMismatch:
		return w.news(remark{h, h.current.Routers[a.Router].Name, a.Text})
	}
	return true
}

func (w *World) news(r remark) bool {
	if w.said[r] {
		return false
	}
	w.said[r] = true
	return true
}

func (w *World) forget(h *host, router string) {
	for r := range w.said {
		if r.host == h && r.router == router {
			delete(w.said, r)
		}
	}
}

// refuse tells of an advert that the daemon would drop.
func (w *World) refuse(h *host, router string, from netip.Addr, why string) {
	text := fmt.Sprintf("the advert of %s: %s", from, why)
	if w.cluster && w.news(remark{h, "", router + text}) { // once for all
		w.print(h, router, "refuses", text)
	}
}
