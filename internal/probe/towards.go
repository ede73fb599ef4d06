package probe

import (
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// discard is the port of RFC 863. Nothing is sent there: connecting a datagram
// socket only has the kernel look for a route.
const discard = 9

// towards asks the kernel which address it would speak to Via from. The
// virtual address itself is of no use: whoever gets a packet from it to it
// takes it for its own.
func (e *Endpoint) towards() (netip.Addr, error) {
	domain := unix.AF_INET6
	if e.Via.Is4() {
		domain = unix.AF_INET
	}
	fd, err := unix.Socket(domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("make a socket: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Connect(fd, Sockaddr(netip.AddrPortFrom(e.Via, discard))); err != nil {
		return netip.Addr{}, fmt.Errorf("find a route to %s: %w", e.Via, err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find our address towards %s: %w", e.Via, err)
	}
	var from netip.Addr
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		from = netip.AddrFrom4(sa.Addr)
	case *unix.SockaddrInet6:
		from = netip.AddrFrom16(sa.Addr)
	}
	if from != e.Addr.Addr() {
		return from, nil
	}
	if beside := neighbour(e.Via, from); beside.IsValid() {
		return beside, nil
	}
	return from, fmt.Errorf("our only address towards %s is the virtual one, %s (bindto names another)", e.Via, from)
}

// neighbour is an address of ours, but not that one, on the network of another.
func neighbour(of, not netip.Addr) netip.Addr {
	all, _ := net.InterfaceAddrs() // without them there is none
	for _, a := range all {
		p, err := netip.ParsePrefix(a.String())
		if err == nil && p.Contains(of) && p.Addr() != not {
			return p.Addr()
		}
	}
	return netip.Addr{}
}
