package ipvs

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
	"golang.org/x/sys/unix"
)

var native = binary.NativeEndian

// batch is a run of netlink messages that go to the kernel in one write. The
// bytes are appended straight into one buffer: ten thousand servers cost no
// more allocations than one.
type batch struct {
	family uint16 // generic netlink's number of IPVS
	buf    []byte
	start  int // of the last message
	count  int
}

// message opens a message; what follows belongs to it until the next one.
func (b *batch) message(cmd uint8, flags uint16, seq uint32) {
	b.start = len(b.buf)
	b.count++
	b.buf = native.AppendUint32(b.buf, 0) // length, by finish
	b.buf = native.AppendUint16(b.buf, b.family)
	b.buf = native.AppendUint16(b.buf, flagRequest|flags)
	b.buf = native.AppendUint32(b.buf, seq)
	b.buf = native.AppendUint32(b.buf, 0) // port: the kernel knows
	b.buf = append(b.buf, cmd, familyVersion, 0, 0)
}

// finish writes the length of the message that is open.
func (b *batch) finish() {
	native.PutUint32(b.buf[b.start:], uint32(len(b.buf)-b.start))
}

// acknowledge asks for an answer to the last message even if it succeeds.
func (b *batch) acknowledge() {
	flags := native.Uint16(b.buf[b.start+6:])
	native.PutUint16(b.buf[b.start+6:], flags|flagAck)
}

func (b *batch) reset() { b.buf, b.count, b.start = b.buf[:0], 0, 0 }

func (b *batch) attr(typ uint16, data []byte) {
	b.buf = native.AppendUint16(b.buf, uint16(4+len(data)))
	b.buf = native.AppendUint16(b.buf, typ)
	b.buf = append(b.buf, data...)
	for len(b.buf)%4 != 0 {
		b.buf = append(b.buf, 0)
	}
}

func (b *batch) attr16(typ, v uint16) {
	b.attr(typ, native.AppendUint16(make([]byte, 0, 2), v))
}

func (b *batch) attr32(typ uint16, v uint32) {
	b.attr(typ, native.AppendUint32(make([]byte, 0, 4), v))
}

// port is in network order (__be16).
func (b *batch) port(typ, v uint16) {
	b.attr(typ, binary.BigEndian.AppendUint16(make([]byte, 0, 2), v))
}

// addr is a union nf_inet_addr: always 16 bytes.
func (b *batch) addr(typ uint16, a netip.Addr) {
	var raw [16]byte
	copy(raw[:], a.AsSlice())
	b.attr(typ, raw[:])
}

func (b *batch) text(typ uint16, s string) { b.attr(typ, append([]byte(s), 0)) }

// nest opens a nested attribute; the returned function closes it.
func (b *batch) nest(typ uint16) func() {
	at := len(b.buf)
	b.buf = native.AppendUint16(b.buf, 0)
	b.buf = native.AppendUint16(b.buf, typ|nested)
	return func() { native.PutUint16(b.buf[at:], uint16(len(b.buf)-at)) }
}

func addressFamily(family uint8) uint16 {
	if family == 6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// key writes the attributes by which the kernel finds a service.
func (b *batch) key(k lvs.ServiceKey) {
	b.attr16(svcAF, addressFamily(k.Family))
	if k.FWMark != 0 {
		b.attr32(svcFWMark, k.FWMark)
		return
	}
	b.attr16(svcProtocol, uint16(k.Protocol))
	b.addr(svcAddr, k.Addr)
	b.port(svcPort, k.Port)
}

// service writes a whole service, without its servers. It is canonical.
func (b *batch) service(k lvs.ServiceKey, s lvs.Service) {
	end := b.nest(attrService)
	defer end()
	b.key(k)
	flags := s.Flags
	netmask := netmask(k.Family, s.Netmask)
	if s.Persistence > 0 {
		flags |= director.FlagPersistent
	}
	b.text(svcScheduler, s.Scheduler)
	if s.PersistenceEngine != "" {
		b.text(svcEngine, s.PersistenceEngine)
	}
	// struct ip_vs_flags: value and mask; all bits are meant.
	b.attr(svcFlags, native.AppendUint32(native.AppendUint32(make([]byte, 0, 8), flags), ^uint32(0)))
	b.attr32(svcTimeout, uint32(s.Persistence/time.Second))
	b.attr(svcNetmask, netmask)
}

// netmask: a __be32 mask for IPv4, a prefix length in host order for IPv6.
// Without persistence the kernel has no use for it, and every client counts.
func netmask(family uint8, mask uint32) []byte {
	if family == 6 {
		if mask == 0 {
			mask = 128
		}
		return native.AppendUint32(make([]byte, 0, 4), mask)
	}
	if mask == 0 {
		mask = ^uint32(0)
	}
	return binary.BigEndian.AppendUint32(make([]byte, 0, 4), mask)
}

// dest writes a server; full also what it should be like.
func (b *batch) dest(service lvs.ServiceKey, k lvs.ServerKey, s lvs.Server, full bool) {
	end := b.nest(attrService)
	b.key(service)
	end()
	end = b.nest(attrDest)
	defer end()
	family := uint8(6)
	if k.Addr.Is4() {
		family = 4
	}
	b.attr16(destFamily, addressFamily(family))
	b.addr(destAddr, k.Addr)
	b.port(destPort, k.Port)
	if !full {
		return
	}
	b.attr32(destForward, forwardOf(s.Forward))
	b.attr32(destWeight, uint32(s.Weight))
	b.attr32(destUpper, s.Upper)
	b.attr32(destLower, s.Lower)
	if s.Forward == lvs.Tunnel { // kernels before 5.2 know ipip only and look at none of this
		b.attr(destTunType, []byte{uint8(s.Tunnel)})
		b.port(destTunPort, s.TunnelPort)
		b.attr16(destTunFlags, s.TunnelFlags)
	}
}

func forwardOf(f lvs.Forward) uint32 {
	switch f {
	case lvs.Tunnel:
		return forwardTunnel
	case lvs.DirectRoute:
		return forwardRoute
	case lvs.NAT:
	}
	return forwardNAT
}

// op writes one step of a difference as a message.
func (b *batch) op(op director.Op, seq uint32) {
	switch op.Verb {
	case director.AddService:
		b.message(cmdNewService, 0, seq)
		b.service(op.Service, *op.Want)
	case director.ChangeService:
		b.message(cmdSetService, 0, seq)
		b.service(op.Service, *op.Want)
	case director.RemoveService:
		b.message(cmdDelService, 0, seq)
		end := b.nest(attrService)
		b.key(op.Service)
		end()
	case director.AddServer:
		b.message(cmdNewDest, 0, seq)
		b.dest(op.Service, op.Server, op.WantServer, true)
	case director.ChangeServer:
		b.message(cmdSetDest, 0, seq)
		b.dest(op.Service, op.Server, op.WantServer, true)
	case director.RemoveServer:
		b.message(cmdDelDest, 0, seq)
		b.dest(op.Service, op.Server, lvs.Server{}, false)
	}
	b.finish()
}
