package kernel

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/reconcile"
)

// Op is one change of an address or of a route.
type Op struct {
	Addr  AddrOp
	Route RouteOp
	// IsRoute says which of the two it is.
	IsRoute bool
}

// AddrOps wraps changes of addresses, in their order.
func AddrOps(ops []AddrOp) []Op {
	out := make([]Op, len(ops))
	for i, op := range ops {
		out[i] = Op{Addr: op}
	}
	return out
}

// RouteOps wraps changes of routes, in their order.
func RouteOps(ops []RouteOp) []Op {
	out := make([]Op, len(ops))
	for i, op := range ops {
		out[i] = Op{Route: op, IsRoute: true}
	}
	return out
}

// verb is what the op does.
func (op Op) verb() reconcile.Verb {
	if op.IsRoute {
		return op.Route.Verb
	}
	return op.Addr.Verb
}

// opKey tells one address or route from another.
type opKey struct {
	addr  AddrKey
	route RouteKey
}

func (op Op) key() opKey {
	if op.IsRoute {
		return opKey{route: op.Route.Key}
	}
	return opKey{addr: op.Addr.Key}
}

// Command says what an op does, as an operator would type it. name gives the
// name of a link.
func (op Op) Command(name func(link int) string) string {
	word := [...]string{reconcile.Add: "add", reconcile.Change: "replace", reconcile.Remove: "del"}[op.verb()]
	if op.IsRoute {
		r := op.Route.Want
		if op.Route.Verb == reconcile.Remove {
			r = op.Route.Have
		}
		return "ip route " + word + " " + routeText(op.Route.Key, r, name)
	}
	a := op.Addr.Want
	if op.Addr.Verb == reconcile.Remove {
		a = op.Addr.Have
	}
	return "ip addr " + word + " " + addrText(op.Addr.Key, a, name)
}

// addrText is an address in iproute2's words.
func addrText(k AddrKey, a Address, name func(int) string) string {
	var b strings.Builder
	if a.Peer.IsValid() {
		fmt.Fprintf(&b, "%s peer %s/%d", k.Addr, a.Peer, a.Bits)
	} else {
		b.WriteString(k.Prefix(a).String())
	}
	if a.Broadcast.IsValid() {
		fmt.Fprintf(&b, " brd %s", a.Broadcast)
	}
	dev := name(k.Link)
	fmt.Fprintf(&b, " dev %s", dev)
	if a.Label != "" && a.Label != dev {
		fmt.Fprintf(&b, " label %s", a.Label)
	}
	if a.Scope != unix.RT_SCOPE_UNIVERSE && k.Addr.Is4() {
		fmt.Fprintf(&b, " scope %s", scopeText(a.Scope))
	}
	for _, f := range addressFlags {
		if a.Flags&f.flag != 0 {
			b.WriteString(" " + f.ip)
		}
	}
	if a.Deprecated {
		b.WriteString(" preferred_lft 0")
	}
	return b.String()
}

// wrap says of an error what was attempted on what.
func (op Op) wrap(err error, name func(int) string) error {
	if err == nil {
		return nil
	}
	if op.IsRoute {
		r := op.Route.Want
		if op.Route.Verb == reconcile.Remove {
			r = op.Route.Have
		}
		return fmt.Errorf("%s route %s: %w", op.Route.Verb, routeText(op.Route.Key, r, name), err)
	}
	k := op.Addr.Key
	switch op.Addr.Verb {
	case reconcile.Add:
		return fmt.Errorf("add %s to %s: %w", k.Prefix(op.Addr.Want), name(k.Link), err)
	case reconcile.Change:
		return fmt.Errorf("change %s on %s: %w", k.Prefix(op.Addr.Want), name(k.Link), err)
	default:
		return fmt.Errorf("remove %s from %s: %w", k.Prefix(op.Addr.Have), name(k.Link), err)
	}
}
