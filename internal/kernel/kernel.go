// Package kernel knows links, addresses, routes and rules as the kernel has them, and
// writes the difference to what ought to be there.
//
// Reflector keeps a Mirror true by the kernel's own events, whoever changes
// something; Writer carries out what package reconcile planned: a few changes at
// once and synchronously, since a fail-over counts tenths of a millisecond, many
// on a thread of its own, since no advert may wait for them. What ought to be
// there is decided in vrrpd. address.go, routewords.go and rulewords.go read
// addresses, routes and rules as people write them; rtnl.go, encode.go and
// encoderoute.go have the bytes, Fake is for the tests of others.
package kernel

import (
	"cmp"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/reconcile"
)

// Protocol marks routes as ours, as keepalived does (RTPROT_KEEPALIVED,
// linux/rtnetlink.h).
const Protocol = 18

// Link is a network interface.
type Link struct {
	Index int
	Name  string
	MAC   [6]byte
	MTU   int
	Flags uint32 // IFF_…, linux/if.h
	// Base is the index of the link below a virtual one, 0 if there is none in
	// this network namespace; Kind is what sort of link it is ("macvlan"), empty
	// for a real one. Group is its group of links.
	Base  int
	Kind  string
	Group uint32
	// Ethernet: it has a 6-byte address and resolves neighbours.
	Ethernet bool
	// Master is the index of the bridge, bond or VRF that it belongs to, 0 = none.
	Master int
	// VRFTable is the routing table of a VRF, 0 for other links.
	VRFTable uint32
}

// Up reports whether the link is up and running: it may carry adverts.
func (l Link) Up() bool { return l.Flags&unix.IFF_UP != 0 && l.Flags&unix.IFF_RUNNING != 0 }

// Down reports whether the link is not set up: nothing goes over it.
func (l Link) Down() bool { return l.Flags&unix.IFF_UP == 0 }

// Why says why a link is not up.
func (l Link) Why() string {
	switch {
	case l.Flags&unix.IFF_UP == 0:
		return "interface " + l.Name + " is down"
	case l.Flags&unix.IFF_RUNNING == 0:
		return "interface " + l.Name + " has no carrier"
	}
	return ""
}

// AddrKey is what makes an address one to the kernel. Bits is the length of
// its prefix for IPv4; it is 0 for IPv6, which has an address but once on a link.
type AddrKey struct {
	Link int
	Addr netip.Addr
	Bits int
}

// Key returns the key of an address with its prefix length on a link.
func Key(link int, p netip.Prefix) AddrKey {
	k := AddrKey{Link: link, Addr: p.Addr(), Bits: p.Bits()}
	if p.Addr().Is6() {
		k.Bits = 0
	}
	return k
}

// Compare orders keys.
func (k AddrKey) Compare(o AddrKey) int {
	return cmp.Or(cmp.Compare(k.Link, o.Link), k.Addr.Compare(o.Addr), cmp.Compare(k.Bits, o.Bits))
}

// Address is everything else about an address.
type Address struct {
	four      bool       // IPv4, of one that is wanted
	Bits      int        // length of the prefix
	Peer      netip.Addr // point-to-point, or invalid
	Label     string     // IPv4 only; the link's name where none was given
	Scope     uint8      // RT_SCOPE_…; for IPv6 the kernel's own
	Broadcast netip.Addr // IPv4 only; may be invalid
	// Flags are IFA_F_…; of these we set IFA_F_NODAD, IFA_F_NOPREFIXROUTE,
	// IFA_F_HOMEADDRESS, IFA_F_MANAGETEMPADDR and IFA_F_MCAUTOJOIN.
	Flags uint32
	// Protocol is who added it (IFAPROT_…, Linux 5.18 and later): ours is
	// Protocol, so that what a dead predecessor left can be told apart. The
	// Writer always sets ours.
	Protocol uint8
	// Deprecated means that the preferred lifetime is 0, so that the address is not
	// chosen as a source (IPv6).
	Deprecated bool
	// Preferred is in how many seconds it will be deprecated, 0 = never (IPv6).
	// What is left of it cannot be compared.
	Preferred uint32
	// Lease is after how many seconds the kernel drops the address unless it is
	// renewed, 0 = never. Of an address that is there: 0, or not.
	Lease uint32
}

// settable are the flags that an address is given; the kernel keeps them.
const settable = unix.IFA_F_NODAD | unix.IFA_F_NOPREFIXROUTE | unix.IFA_F_HOMEADDRESS | unix.IFA_F_MANAGETEMPADDR | unix.IFA_F_MCAUTOJOIN

// AddrKind compares addresses that are wanted with those that are there. What
// the kernel makes of other flags, of scope (IPv6) and of an absent label or
// broadcast address is its own.
var AddrKind = reconcile.Kind[AddrKey, Address]{
	Compare: AddrKey.Compare,
	Same: func(want, have Address) bool {
		return want.Bits == have.Bits && want.sameLifetime(have) && want.Flags&settable == have.Flags&settable &&
			(!want.four || want.Scope == have.Scope) &&
			(want.Label == "" || want.Label == have.Label) &&
			(!want.Broadcast.IsValid() || want.Broadcast == have.Broadcast) &&
			(!want.Peer.IsValid() || want.Peer == have.Peer)
	},
}

func (a Address) sameLifetime(have Address) bool {
	return (a.Deprecated == have.Deprecated || a.Preferred != 0) && (a.Lease == 0) == (have.Lease == 0)
}

// AddrOp is one change of an address.
type AddrOp = reconcile.Op[AddrKey, Address]

// Tables is what a daemon needs to write: Writer does it, and so does Fake.
// All of it is called from the loop.
type Tables interface {
	// ApplyNow carries out ops, NowLimit at most in one go, and returns one
	// error for each, nil where all went well. What is there already, or gone
	// already, counts as done. The Mirror knows at once.
	ApplyNow(ops []Op) []error
	// Apply has ops carried out by another thread; done is called on the loop
	// with an error for each, after the Mirror has seen what changed. When it
	// returns an error, nothing was begun and done is not called.
	Apply(ops []Op, done func(errs []error)) error
	// Pending reports whether an op of the same key is still with that thread:
	// plan it again when that is done.
	Pending(op Op) bool
}

// NowLimit is how many ops ApplyNow is meant for; more of them are a matter of
// milliseconds and belong to Apply.
const NowLimit = 16

// Prefix returns an address with its length, for people.
func (k AddrKey) Prefix(a Address) netip.Prefix { return netip.PrefixFrom(k.Addr, a.Bits) }
