package kernel

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// VirtualLink is a macvlan or an ipvlan as we want it.
type VirtualLink struct {
	Name   string
	Base   string
	IPVLAN bool
	MAC    [6]byte // of a macvlan
	Mode   string  // of an ipvlan: bridge (or empty), private, vepa
	Group  int     // of links, -1: that of Base
	V4, V6 bool    // the families of its addresses
}

// Numbers of linux/if_link.h that package unix lacks.
const (
	macvlanMode    = 1 // IFLA_MACVLAN_MODE
	macvlanPrivate = 1 // MACVLAN_MODE_PRIVATE
	ipvlanMode     = 1 // IFLA_IPVLAN_MODE
	ipvlanFlags    = 2 // IFLA_IPVLAN_FLAGS
	ipvlanL2       = 0 // IPVLAN_MODE_L2
)

var ipvlanModes = map[string]uint16{"": 0, "bridge": 0, "private": 1, "vepa": 2}

// kind is IFLA_INFO_KIND.
func (v *VirtualLink) kind() string {
	if v.IPVLAN {
		return "ipvlan"
	}
	return "macvlan"
}

// is reports whether a link is the one that is wanted, leaving aside whether it
// is up.
func (v *VirtualLink) is(l, base Link) bool {
	return l.Kind == v.kind() && l.Base == base.Index && (v.IPVLAN || l.MAC == v.MAC)
}

// LinkState is what there is of a virtual link.
type LinkState uint8

// The states: Blocked is told with what stands in the way.
const (
	LinkBlocked LinkState = iota // cannot be made as things are
	LinkMissing
	LinkWrong // of our kind, and with another base or MAC address
	LinkDown  // or in another VRF than its base
	LinkReady
)

// State looks at a virtual link in the mirror.
func (m *Mirror) State(v *VirtualLink) (s LinkState, why string) {
	base, ok := m.Link(v.Base)
	if !ok {
		return LinkBlocked, "interface " + v.Base + " does not exist"
	}
	l, ok := m.Link(v.Name)
	switch {
	case !ok:
		return LinkMissing, "interface " + v.Name + " does not exist"
	case !l.Virtual():
		return LinkBlocked, "interface " + v.Name + " exists already and is no VMAC"
	case !v.is(l, base):
		return LinkWrong, "interface " + v.Name + " is another VMAC"
	case l.Down():
		return LinkDown, "interface " + v.Name + " is down"
	case l.Master != m.vrf(base):
		return LinkDown, "interface " + v.Name + " is not in the VRF of " + v.Base
	}
	return LinkReady, ""
}

// vrf is the VRF that a link is in, 0 if it is in none.
func (m *Mirror) vrf(l Link) int {
	if master, ok := m.LinkAt(l.Master); ok && master.Kind == "vrf" {
		return master.Index
	}
	return 0
}

// LinkWork is what must be done to have a virtual link as it is wanted. It
// does not need the mirror any more, and is done away from the loop.
type LinkWork struct {
	VirtualLink
	base   Link
	vrf    int
	remove int // index of what stands in its place, 0 = nothing does
	make   bool
}

// LinkWork looks what there is to do; false: nothing is, or nothing can be done.
func (m *Mirror) LinkWork(v *VirtualLink) (LinkWork, bool) {
	s, _ := m.State(v)
	w := LinkWork{VirtualLink: *v, make: s != LinkDown}
	w.base, _ = m.Link(v.Base)
	w.vrf = m.vrf(w.base)
	if l, ok := m.Link(v.Name); ok && s == LinkWrong {
		w.remove = l.Index
	}
	return w, s == LinkMissing || s == LinkWrong || s == LinkDown
}

// Do makes the link, or makes of the one that is there what is wanted: private,
// without addresses that the kernel makes up, with the settings that let it
// answer for its own addresses only, and up. It may take milliseconds. Network
// namespace and settings are those of the calling thread.
func (w *LinkWork) Do() error {
	s, err := newWriteSocket()
	if err != nil {
		return err
	}
	defer s.close()
	if w.remove != 0 {
		if err := s.link(func(q *requests, seq uint32) { q.delLink(w.remove, seq) }); err != nil {
			return fmt.Errorf("remove interface %s: %w", w.Name, err)
		}
	}
	if w.make {
		if err := s.link(func(q *requests, seq uint32) { q.newLink(&w.VirtualLink, w.base, seq) }); errors.Is(err, unix.EEXIST) {
			return nil // the mirror was behind; it will say what that is
		} else if err != nil {
			return fmt.Errorf("make %s %s on %s: %w", w.kind(), w.Name, w.Base, err)
		}
		if err := w.settle(); err != nil {
			return err
		}
	}
	if err := s.link(func(q *requests, seq uint32) { q.enslave(w.Name, w.vrf, seq) }); err != nil && (w.make || !errors.Is(err, unix.ENODEV)) {
		return fmt.Errorf("put %s into the VRF of %s: %w", w.Name, w.Base, err)
	}
	if err := s.link(func(q *requests, seq uint32) { q.upLink(w.Name, seq) }); err != nil {
		if !w.make && errors.Is(err, unix.ENODEV) {
			return nil // it was down because it was being removed; the mirror says so
		}
		return fmt.Errorf("set %s up: %w", w.Name, err)
	}
	return nil
}

// settle writes the settings of a virtual link, before it is set up.
func (v *VirtualLink) settle() error {
	var errs []error
	four := func(key, value string) { errs = append(errs, writeSysctl("ipv4", v.Name, key, value)) }
	if v.V4 && !v.IPVLAN {
		// It answers for the addresses that it has, and hears adverts from
		// addresses that are the base's or, in a test, another link's.
		four("arp_ignore", "1")
		four("accept_local", "1")
		four("promote_secondaries", "1")
		four("rp_filter", "0")
	}
	six := func(key, value string) { // a system may lack IPv6
		if err := writeSysctl("ipv6", v.Name, key, value); !errors.Is(err, unix.ENOENT) {
			errs = append(errs, err)
		}
	}
	if !v.IPVLAN || !v.V6 {
		six("addr_gen_mode", "1") // IN6_ADDR_GEN_MODE_NONE
	}
	if !v.V6 {
		six("disable_ipv6", "1") // or it sends reports and solicitations
	}
	return errors.Join(errs...)
}

// RemoveLinks removes virtual links; such as are of another kind are left
// alone. The kernel takes tens of milliseconds for each, and no longer for many
// at once: so they are put into a group of links of their own, which goes.
func RemoveLinks(all []Link) error {
	all = slices.DeleteFunc(slices.Clone(all), func(l Link) bool { return !l.Virtual() })
	if len(all) == 0 {
		return nil
	}
	s, err := newWriteSocket()
	if err != nil {
		return err
	}
	defer s.close()
	if len(all) > 1 {
		for _, l := range all {
			_ = s.link(func(q *requests, seq uint32) { q.group(l.Index, doomed, seq) }) // it is looked at below
		}
		if s.link(func(q *requests, seq uint32) { q.delGroup(doomed, seq) }) == nil {
			return nil
		}
	}
	var errs []error
	for _, l := range all {
		if err := s.link(func(q *requests, seq uint32) { q.delLink(l.Index, seq) }); err != nil && !errors.Is(err, unix.ENODEV) {
			errs = append(errs, fmt.Errorf("remove interface %s: %w", l.Name, err))
		}
	}
	return errors.Join(errs...)
}

// doomed is the group of links about to be removed: a number that nobody
// gives to links that should stay.
const doomed = 0x686f6c64

// Virtual reports whether a link is of a kind that we make.
func (l Link) Virtual() bool { return l.Kind == "macvlan" || l.Kind == "ipvlan" }

// link carries out one request about a link.
func (s *writeSocket) link(build func(q *requests, seq uint32)) error {
	s.q.reset()
	s.seq++
	build(&s.q, s.seq)
	flags := native.Uint16(s.q.buf[s.q.start+6:])
	native.PutUint16(s.q.buf[s.q.start+6:], flags|unix.NLM_F_ACK)
	if _, err := unix.Write(s.fd, s.q.buf); err != nil {
		return fmt.Errorf("write routing netlink: %w", err)
	}
	for {
		n, err := unix.Read(s.fd, s.buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read routing netlink: %w", err)
		}
		var answer error
		found := false
		if err := messages(s.buf[:n], func(m message) error {
			if m.typ == unix.NLMSG_ERROR && m.seq == s.seq {
				found, answer = true, m.answer()
			}
			return nil
		}); err != nil {
			return err
		}
		if found {
			return answer
		}
	}
}

// linkHeader is struct ifinfomsg.
func (q *requests) linkHeader(index int, flags, change uint32) {
	q.bytes(unix.AF_UNSPEC, 0, 0, 0)
	q.u32(uint32(index)) // an index
	q.u32(flags)
	q.u32(change)
}

func (q *requests) attrString(typ uint16, s string) {
	q.attr(typ, append([]byte(s), 0))
}

func (q *requests) attr16(typ, v uint16) { q.attr(typ, native.AppendUint16(nil, v)) }

func (q *requests) newLink(v *VirtualLink, base Link, seq uint32) {
	q.begin(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, seq)
	q.linkHeader(0, 0, 0)
	q.attr32(unix.IFLA_LINK, uint32(base.Index)) // an index
	q.attrString(unix.IFLA_IFNAME, v.Name)
	if !v.IPVLAN {
		q.attr(unix.IFLA_ADDRESS, v.MAC[:])
	}
	group := base.Group
	if v.Group >= 0 {
		group = uint32(v.Group) // conf sees to it
	}
	q.attr32(unix.IFLA_GROUP, group)
	info := q.nest(unix.IFLA_LINKINFO)
	q.attrString(unix.IFLA_INFO_KIND, v.kind())
	data := q.nest(unix.IFLA_INFO_DATA)
	if v.IPVLAN {
		q.attr16(ipvlanMode, ipvlanL2)
		q.attr16(ipvlanFlags, ipvlanModes[v.Mode])
	} else {
		q.attr32(macvlanMode, macvlanPrivate)
	}
	q.endNest(data)
	q.endNest(info)
	q.end()
}

func (q *requests) delLink(index int, seq uint32) {
	q.begin(unix.RTM_DELLINK, 0, seq)
	q.linkHeader(index, 0, 0)
	q.end()
}

func (q *requests) enslave(name string, master int, seq uint32) {
	q.begin(unix.RTM_NEWLINK, 0, seq)
	q.linkHeader(0, 0, 0)
	q.attrString(unix.IFLA_IFNAME, name)
	q.attr32(unix.IFLA_MASTER, uint32(master)) // an index
	q.end()
}

func (q *requests) group(index int, group, seq uint32) {
	q.begin(unix.RTM_NEWLINK, 0, seq)
	q.linkHeader(index, 0, 0)
	q.attr32(unix.IFLA_GROUP, group)
	q.end()
}

func (q *requests) delGroup(group, seq uint32) {
	q.begin(unix.RTM_DELLINK, 0, seq)
	q.linkHeader(0, 0, 0)
	q.attr32(unix.IFLA_GROUP, group)
	q.end()
}

func (q *requests) upLink(name string, seq uint32) {
	q.begin(unix.RTM_NEWLINK, 0, seq)
	q.linkHeader(0, unix.IFF_UP, unix.IFF_UP)
	q.attrString(unix.IFLA_IFNAME, name)
	q.end()
}

// takeInfo reads IFLA_LINKINFO of a link: its kind, and the table of a VRF.
func (l *Link) takeInfo(v []byte) {
	var data []byte
	_ = attrs(v, 0, func(typ uint16, v []byte) {
		switch typ {
		case unix.IFLA_INFO_KIND:
			l.Kind = strings.Clone(attrString(v))
		case unix.IFLA_INFO_DATA:
			data = v
		}
	})
	if l.Kind != "vrf" {
		return
	}
	_ = attrs(data, 0, func(typ uint16, v []byte) {
		if typ == unix.IFLA_VRF_TABLE {
			l.VRFTable = attrU32(v)
		}
	})
}
