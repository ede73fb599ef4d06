package socket

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmsghdr is struct mmsghdr (recvmmsg(2)); the compiler pads as C does.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// batch is memory for several messages in one system call. The addresses that
// its headers hold are those of its own slices and never change.
type batch struct {
	msgs  []mmsghdr
	iovs  []unix.Iovec
	names []unix.RawSockaddrAny
	data  []byte // size for each message
	ctl   []byte // control for each message
	size  int
}

// control is how many bytes of ancillary data a message may have: a timestamp,
// packet information and a hop limit fit, with room to spare.
const control = 128

func newBatch(count, size int) *batch {
	b := &batch{
		msgs: make([]mmsghdr, count), iovs: make([]unix.Iovec, count),
		names: make([]unix.RawSockaddrAny, count),
		data:  make([]byte, count*size), ctl: make([]byte, count*control), size: size,
	}
	for i := range b.msgs {
		h := &b.msgs[i].hdr
		b.iovs[i].Base = &b.data[i*size]
		h.Iov = &b.iovs[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&b.names[i]))
		h.Control = &b.ctl[i*control]
	}
	return b
}

// warm touches the memory of the first message, which otherwise the kernel would
// have to find when that is sent.
func (b *batch) warm() {
	clear(b.slot(0))
	clear(b.controlOf(0))
	b.names[0] = unix.RawSockaddrAny{}
}

// slot is the memory of the i-th message.
func (b *batch) slot(i int) []byte { return b.data[i*b.size : (i+1)*b.size : (i+1)*b.size] }

// controlOf is the memory of its ancillary data.
func (b *batch) controlOf(i int) []byte { return b.ctl[i*control : (i+1)*control : (i+1)*control] }

// receive fills the batch without waiting and returns how many messages came.
// The system call neither blocks nor takes long, so the scheduler is not told.
func (b *batch) receive(fd int) (int, error) {
	for i := range b.msgs {
		h := &b.msgs[i].hdr
		b.iovs[i].SetLen(b.size)
		h.Namelen = unix.SizeofSockaddrAny
		h.SetControllen(control)
		h.Flags = 0
	}
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd),
			uintptr(unsafe.Pointer(&b.msgs[0])), uintptr(len(b.msgs)), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

// send sends the first count messages without waiting; failed is told of those
// that the kernel refused.
func (b *batch) send(fd, count int, failed func(i int, err error)) {
	for at := 0; at < count; {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd),
			uintptr(unsafe.Pointer(&b.msgs[at])), uintptr(count-at), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch {
		case errno == 0:
			at += int(n)
		case errors.Is(errno, unix.EINTR):
		default:
			failed(at, errno)
			at++
		}
	}
}

// cmsg appends a control message to the first n bytes of ctl and returns the
// memory for its data and the new length.
func cmsg(ctl []byte, n, level, typ, size int) (data []byte, length int) {
	h := (*unix.Cmsghdr)(unsafe.Pointer(&ctl[n]))
	h.Level, h.Type = int32(level), int32(typ) // small numbers
	h.SetLen(unix.CmsgLen(size))
	begin := n + unix.CmsgLen(0)
	return ctl[begin : begin+size], n + unix.CmsgSpace(size)
}
