package socket

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MaxFrame is the longest frame that Frames sends, in bytes: an Ethernet frame
// without jumbo.
const MaxFrame = 1518

// Frames sends Ethernet frames on any interface of the network namespace of the
// thread that opened it: gratuitous ARP and neighbour advertisements, which
// thereby leave though an address is not usable yet. It receives nothing. It
// belongs to the loop.
type Frames struct {
	fd     int
	out    *batch
	queued int
	links  [sendBatch]int
	failed func(link int, err error)
}

// OpenFrames opens a packet socket. It needs CAP_NET_RAW.
func OpenFrames() (*Frames, error) {
	// Protocol 0: nothing is received (packet(7)).
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open a packet socket: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, controlPrio)
	buffer(fd, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, SendBuffer)
	return &Frames{fd: fd, out: newBatch(sendBatch, MaxFrame+2), failed: func(int, error) {}}, nil
}

// OnFailed sets what is called for a frame that the kernel refuses, from within
// Send or Flush.
func (s *Frames) OnFailed(fn func(link int, err error)) { s.failed = fn }

// Send keeps a frame, from its destination address on, until Flush or until
// sendBatch frames are kept. The frame is copied.
func (s *Frames) Send(link int, frame []byte) {
	const ethernetHeader = 14
	if len(frame) < ethernetHeader || len(frame) > MaxFrame {
		s.failed(link, unix.EMSGSIZE)
		return
	}
	i := s.queued
	s.links[i] = link
	size := copy(s.out.slot(i), frame)
	sa := (*unix.RawSockaddrLinklayer)(unsafe.Pointer(&s.out.names[i]))
	*sa = unix.RawSockaddrLinklayer{Family: unix.AF_PACKET, Ifindex: int32(link), Halen: 6} // an index
	// The type stays in network order: it is read as it lies there.
	sa.Protocol = binary.NativeEndian.Uint16(frame[12:])
	copy(sa.Addr[:6], frame)
	s.out.set(i, size, unix.SizeofSockaddrLinklayer, 0)
	if s.queued++; s.queued == sendBatch {
		s.Flush()
	}
}

// Flush sends what is kept.
func (s *Frames) Flush() {
	n := s.queued
	s.queued = 0
	if n != 0 {
		s.out.send(s.fd, n, s.refused)
	}
}

// Warm readies memory for the first frame; nothing may be kept.
func (s *Frames) Warm() { s.out.warm() }

func (s *Frames) refused(i int, err error) { s.failed(s.links[i], err) }

// Close closes the socket.
func (s *Frames) Close() { _ = unix.Close(s.fd) }
