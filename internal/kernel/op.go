package kernel

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/reconcile"
)

// Op is one change of an address, a route or a rule: Of says of which.
type Op struct {
	Of    ChangeKind // AddrChanged, RouteChanged or RuleChanged
	Addr  AddrOp
	Route RouteOp
	Rule  RuleOp
}

// AddrOps wraps changes of addresses, in their order.
func AddrOps(ops []AddrOp) []Op {
	return wrap(ops, func(op AddrOp) Op { return Op{Of: AddrChanged, Addr: op} })
}

// RouteOps wraps changes of routes, in their order.
func RouteOps(ops []RouteOp) []Op {
	return wrap(ops, func(op RouteOp) Op { return Op{Of: RouteChanged, Route: op} })
}

// RuleOps wraps changes of rules, in their order.
func RuleOps(ops []RuleOp) []Op {
	return wrap(ops, func(op RuleOp) Op { return Op{Of: RuleChanged, Rule: op} })
}

func wrap[T any](ops []T, one func(T) Op) []Op {
	out := make([]Op, len(ops))
	for i, op := range ops {
		out[i] = one(op)
	}
	return out
}

// Verb is what the op does.
func (op Op) Verb() reconcile.Verb {
	switch op.Of {
	case RouteChanged:
		return op.Route.Verb
	case RuleChanged:
		return op.Rule.Verb
	}
	return op.Addr.Verb
}

// opKey tells one address, route or rule from another.
type opKey struct {
	addr  AddrKey
	route RouteKey
	rule  Rule
}

func (op Op) key() opKey {
	switch op.Of {
	case RouteChanged:
		return opKey{route: op.Route.Key}
	case RuleChanged:
		return opKey{rule: op.Rule.Key}
	}
	return opKey{addr: op.Addr.Key}
}

// Order puts ops into the order that always works: what others need comes
// first and goes last. Addresses, then routes without a gateway, then those with
// one, then rules; nothing goes before its replacement is there.
func Order(ops []Op) {
	slices.SortStableFunc(ops, func(a, b Op) int {
		gone, gone2 := a.Verb() == reconcile.Remove, b.Verb() == reconcile.Remove
		switch {
		case gone && gone2:
			return b.need() - a.need()
		case gone:
			return 1
		case gone2:
			return -1
		}
		return a.need() - b.need()
	})
}

// need is how many kinds of others an op's object may need.
func (op Op) need() int {
	switch op.Of {
	case RouteChanged:
		r := op.Route.Want
		if op.Route.Verb == reconcile.Remove {
			r = op.Route.Have
		}
		if slices.ContainsFunc(r.Hops, func(h Hop) bool { return h.Via.IsValid() }) {
			return 2
		}
		return 1
	case RuleChanged:
		return 3
	}
	return 0
}

// Command says what an op does, as an operator would type it. name gives the
// name of a link.
func (op Op) Command(name func(link int) string) string {
	word := [...]string{reconcile.Add: "add", reconcile.Change: "replace", reconcile.Remove: "del"}[op.Verb()]
	if op.Of == RuleChanged {
		return "ip " + map[bool]string{true: "-6 "}[op.Rule.Key.Six] + "rule " + word + " " + op.Rule.Key.String()
	}
	if op.Of == RouteChanged {
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
	if a.Preferred != 0 {
		fmt.Fprintf(&b, " preferred_lft %d", a.Preferred)
	}
	if a.Lease != 0 {
		fmt.Fprintf(&b, " valid_lft %d", a.Lease)
	}
	return b.String()
}

// wrap says of an error what was attempted on what.
func (op Op) wrap(err error, name func(int) string) error {
	if err == nil {
		return nil
	}
	if op.Of == RuleChanged {
		return wrapRule(op.Rule, err)
	}
	if op.Of == RouteChanged {
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
