package kernel

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/reconcile"
)

// ifaProto is IFA_PROTO (linux/if_addr.h, Linux 5.18): who added an address.
// Older kernels pass over it.
const ifaProto = 11

// forever is an infinite lifetime (INFINITY_LIFE_TIME).
const forever = 1<<32 - 1

// op appends the messages of an operation, the first with sequence number seq,
// and returns how many there are.
func (q *requests) op(op Op, seq uint32) int {
	switch op.Of {
	case RouteChanged:
		return q.routeOp(op.Route, seq)
	case RuleChanged:
		q.ruleOp(op.Rule, seq)
		return 1
	}
	a := op.Addr
	switch {
	case a.Verb == reconcile.Add:
		q.newAddr(a.Key, a.Want, unix.NLM_F_EXCL, seq)
	case a.Verb == reconcile.Remove:
		q.delAddr(a.Key, a.Have, seq)
	case onlyLifetime(a.Want, a.Have):
		q.newAddr(a.Key, a.Want, unix.NLM_F_REPLACE, seq)
	default: // the kernel replaces nothing else of an address
		q.delAddr(a.Key, a.Have, seq)
		q.newAddr(a.Key, a.Want, unix.NLM_F_EXCL, seq+1)
		return 2
	}
	return 1
}

func onlyLifetime(want, have Address) bool {
	want.Deprecated, want.Lease = have.Deprecated, have.Lease
	return AddrKind.Same(want, have)
}

func family(a netip.Addr) byte {
	if a.Is6() {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// addrHeader is struct ifaddrmsg and the address itself.
func (q *requests) addrHeader(k AddrKey, a Address) {
	q.bytes(family(k.Addr), byte(a.Bits), byte(a.Flags), a.Scope)
	q.u32(uint32(k.Link)) // an index
	q.attrAddr(unix.IFA_LOCAL, k.Addr)
	if a.Peer.IsValid() {
		q.attrAddr(unix.IFA_ADDRESS, a.Peer)
	} else {
		q.attrAddr(unix.IFA_ADDRESS, k.Addr)
	}
}

func (q *requests) newAddr(k AddrKey, a Address, flags uint16, seq uint32) {
	q.begin(unix.RTM_NEWADDR, flags|unix.NLM_F_CREATE, seq)
	q.addrHeader(k, a)
	if k.Addr.Is4() {
		if a.Broadcast.IsValid() {
			q.attrAddr(unix.IFA_BROADCAST, a.Broadcast)
		}
		if a.Label != "" {
			q.attr(unix.IFA_LABEL, append([]byte(a.Label), 0))
		}
	}
	if a.Flags != 0 {
		q.attr32(unix.IFA_FLAGS, a.Flags)
	}
	q.attr(ifaProto, []byte{Protocol})
	preferred, valid := uint32(forever), uint32(forever)
	if a.Lease != 0 {
		preferred, valid = a.Lease, a.Lease
	}
	if a.Preferred != 0 {
		preferred = min(a.Preferred, valid)
	}
	if a.Deprecated {
		preferred = 0
	}
	var info [16]byte // struct ifa_cacheinfo: preferred, valid, created, updated
	native.PutUint32(info[0:], preferred)
	native.PutUint32(info[4:], valid)
	q.attr(unix.IFA_CACHEINFO, info[:])
	q.end()
}

func (q *requests) delAddr(k AddrKey, a Address, seq uint32) {
	q.begin(unix.RTM_DELADDR, 0, seq)
	a.Flags = 0
	q.addrHeader(k, a)
	q.end()
}
