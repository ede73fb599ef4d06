package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// Sizes of netlink's structures (linux/netlink.h, linux/rtnetlink.h).
const (
	headerLen = unix.SizeofNlMsghdr
	attrLen   = unix.SizeofRtAttr
	typeMask  = 0x3fff // NLA_TYPE_MASK
)

// Netlink is in the machine's order, what it says of packets in the network's.
var (
	native  = binary.NativeEndian
	network = binary.BigEndian
)

// align rounds up as NLMSG_ALIGN and RTA_ALIGN do.
func align(n int) int { return (n + 3) &^ 3 }

// requests builds netlink messages one behind the other.
type requests struct {
	buf   []byte
	start int // of the message being built
}

func (q *requests) begin(typ, flags uint16, seq uint32) {
	q.start = len(q.buf)
	q.buf = append(q.buf, make([]byte, headerLen)...)
	h := q.buf[q.start:]
	native.PutUint16(h[4:], typ)
	native.PutUint16(h[6:], flags|unix.NLM_F_REQUEST)
	native.PutUint32(h[8:], seq)
}

func (q *requests) bytes(b ...byte) { q.buf = append(q.buf, b...) }

func (q *requests) u32(v uint32) { q.buf = native.AppendUint32(q.buf, v) }

func (q *requests) attr(typ uint16, data []byte) {
	q.buf = native.AppendUint16(q.buf, uint16(attrLen+len(data))) // attributes are short
	q.buf = native.AppendUint16(q.buf, typ)
	q.buf = append(q.buf, data...)
	q.pad()
}

func (q *requests) attr32(typ uint16, v uint32) {
	var b [4]byte
	native.PutUint32(b[:], v)
	q.attr(typ, b[:])
}

func (q *requests) attrAddr(typ uint16, a netip.Addr) { q.attr(typ, a.AsSlice()) }

// nest begins an attribute of attributes; the result goes to endNest.
func (q *requests) nest(typ uint16) int {
	at := len(q.buf)
	q.attr(typ, nil)
	return at
}

func (q *requests) endNest(at int) {
	native.PutUint16(q.buf[at:], uint16(len(q.buf)-at)) // attributes are short
}

func (q *requests) pad() {
	for len(q.buf)%4 != 0 {
		q.buf = append(q.buf, 0)
	}
}

func (q *requests) end() {
	native.PutUint32(q.buf[q.start:], uint32(len(q.buf)-q.start)) // bounded by the writer
}

func (q *requests) reset() { q.buf = q.buf[:0] }

// message is one netlink message, pointing into the read buffer.
type message struct {
	typ, flags uint16
	seq, pid   uint32
	data       []byte
}

// errCut is a message that ends before it should.
var errCut = errors.New("netlink message is cut short")

// messages calls take for each message in b.
func messages(b []byte, take func(m message) error) error {
	for len(b) >= headerLen {
		size := int(native.Uint32(b))
		if size < headerLen || size > len(b) {
			return errCut
		}
		m := message{
			typ: native.Uint16(b[4:]), flags: native.Uint16(b[6:]),
			seq: native.Uint32(b[8:]), pid: native.Uint32(b[12:]), data: b[headerLen:size],
		}
		if err := take(m); err != nil {
			return err
		}
		b = b[min(align(size), len(b)):]
	}
	return nil
}

// attrs calls take for each attribute behind the first skip bytes of data.
func attrs(data []byte, skip int, take func(typ uint16, v []byte)) error {
	if len(data) < skip {
		return errCut
	}
	b := data[skip:]
	for len(b) >= attrLen {
		size := int(native.Uint16(b))
		if size < attrLen || size > len(b) {
			return errCut
		}
		take(native.Uint16(b[2:])&typeMask, b[attrLen:size])
		b = b[min(align(size), len(b)):]
	}
	return nil
}

func attrAddr(v []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(v)
	return a
}

func attrU32(v []byte) uint32 {
	if len(v) < 4 {
		return 0
	}
	return native.Uint32(v)
}

func attrString(v []byte) string { return strings.TrimRight(string(v), "\x00") }

// answer reads NLMSG_ERROR: nil for an acknowledgement. Where the kernel says
// more than a number, so do we (NETLINK_EXT_ACK).
func (m message) answer() error {
	if len(m.data) < 4 {
		return errCut
	}
	errno := -int32(native.Uint32(m.data)) // a negative errno
	if errno == 0 {
		return nil
	}
	err := error(unix.Errno(errno)) // positive
	const nlmsgerrAttrMsg = 1
	skip := 4 + headerLen // the request's header; NETLINK_CAP_ACK leaves out the rest
	if m.flags&unix.NLM_F_CAPPED == 0 && len(m.data) >= skip {
		skip = 4 + align(int(native.Uint32(m.data[4:])))
	}
	if m.flags&unix.NLM_F_ACK_TLVS != 0 {
		_ = attrs(m.data, min(skip, len(m.data)), func(typ uint16, v []byte) {
			if typ == nlmsgerrAttrMsg {
				err = fmt.Errorf("%w (%s)", unix.Errno(errno), attrString(v)) // positive
			}
		})
	}
	return err
}

// outcome reads the end of a dump: NLMSG_DONE with an errno, or NLMSG_ERROR.
func (m message) outcome() error {
	if m.typ == unix.NLMSG_ERROR {
		return m.answer()
	}
	if len(m.data) >= 4 {
		if errno := -int32(native.Uint32(m.data)); errno > 0 { // a negative errno
			return unix.Errno(errno)
		}
	}
	return nil
}

// open makes a routing netlink socket.
func open(flags int) (fd int, port uint32, err error) {
	fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|flags, unix.NETLINK_ROUTE)
	if err != nil {
		return -1, 0, fmt.Errorf("open routing netlink: %w", err)
	}
	if err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		unix.Close(fd)
		return -1, 0, fmt.Errorf("bind routing netlink: %w", err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		unix.Close(fd)
		return -1, 0, fmt.Errorf("name of routing netlink: %w", err)
	}
	if nl, ok := sa.(*unix.SockaddrNetlink); ok {
		port = nl.Pid
	}
	for _, opt := range []int{unix.NETLINK_EXT_ACK, unix.NETLINK_CAP_ACK, unix.NETLINK_GET_STRICT_CHK} {
		_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, opt, 1) // older kernels do without
	}
	Buffer{}.Apply(fd, receiveBuffer)
	return fd, port, nil
}

// Buffer is what a socket may hold that was not read yet. The zero value is
// good.
type Buffer struct {
	Bytes int  // SO_RCVBUF; 0: what is usual for the socket
	Force bool // beyond net.core.rmem_max
}

// Apply sets that of fd, for which usual is usual: that much is had by force.
func (b Buffer) Apply(fd, usual int) {
	if b.Bytes == 0 {
		b = Buffer{usual, true}
	}
	bytes := min(b.Bytes, math.MaxInt32)
	if !b.Force || unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bytes) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bytes)
	}
}

// SetBuffer sets that of the socket on which changes are heard of. When it was
// too small for them, the kernel's tables are read anew.
func (r *Reflector) SetBuffer(b Buffer) { b.Apply(r.fd, receiveBuffer) }

// SetBuffer sets those of the sockets with which is written.
func (w *Writer) SetBuffer(b Buffer) {
	b.Apply(w.now.fd, receiveBuffer)
	b.Apply(w.sock.fd, receiveBuffer)
}
