package socket

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// maxHolders is how many sockets hold memberships at most.
const maxHolders = 1024

// members are a family's memberships in multicast groups. A kernel limits them
// for each socket (net.ipv4.igmp_max_memberships, 20 by default;
// net.core.optmem_max for IPv6), but a raw socket also receives what other
// sockets of its machine joined. So they are held by sockets that never
// receive, as many as it takes.
type members struct {
	domain  int
	holders []int
	joined  map[membership]*held
}

type membership struct {
	link  int
	group netip.Addr
}

type held struct {
	fd    int
	users int
}

func newMembers(domain int) members {
	return members{domain: domain, joined: map[membership]*held{}}
}

// Join joins a multicast group on a link. Joining twice takes leaving twice.
func (s *VRRP) Join(link int, group netip.Addr) error {
	m := &s.members
	k := membership{link, group.WithZone("")}
	if h, ok := m.joined[k]; ok {
		h.users++
		return nil
	}
	fd, err := m.add(k)
	if err != nil {
		return fmt.Errorf("join %s on interface %d: %w", group, link, err)
	}
	m.joined[k] = &held{fd: fd, users: 1}
	return nil
}

// Leave undoes a Join; the link may have gone.
func (s *VRRP) Leave(link int, group netip.Addr) {
	m := &s.members
	k := membership{link, group.WithZone("")}
	h, ok := m.joined[k]
	if !ok {
		return
	}
	if h.users--; h.users > 0 {
		return
	}
	delete(m.joined, k)
	_ = k.set(h.fd, unix.IP_DROP_MEMBERSHIP, unix.IPV6_DROP_MEMBERSHIP)
}

// add finds a holder with room, the latest first.
func (m *members) add(k membership) (int, error) {
	for i := len(m.holders) - 1; i >= 0; i-- {
		err := k.join(m.holders[i])
		if err == nil {
			return m.holders[i], nil
		}
		if !full(err) {
			return -1, err
		}
		if i < len(m.holders)-1 {
			break // others are full as well, most likely
		}
	}
	if len(m.holders) == maxHolders {
		return -1, unix.ENOBUFS
	}
	fd, err := unix.Socket(m.domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	if err := k.join(fd); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	m.holders = append(m.holders, fd)
	return fd, nil
}

func full(err error) bool { return errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.ENOMEM) }

func (k membership) join(fd int) error {
	err := k.set(fd, unix.IP_ADD_MEMBERSHIP, unix.IPV6_ADD_MEMBERSHIP)
	if errors.Is(err, unix.EADDRINUSE) { // joined already
		return nil
	}
	return err
}

func (k membership) set(fd, opt4, opt6 int) error {
	if k.group.Is6() {
		return unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, opt6,
			&unix.IPv6Mreq{Multiaddr: k.group.As16(), Interface: uint32(k.link)}) // an index
	}
	return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, opt4,
		&unix.IPMreqn{Multiaddr: k.group.As4(), Ifindex: int32(k.link)}) // an index
}

func (m *members) close() {
	for _, fd := range m.holders {
		_ = unix.Close(fd)
	}
	m.holders, m.joined = nil, nil
}
