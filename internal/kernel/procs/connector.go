package procs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/kernel"
)

// From linux/connector.h and linux/cn_proc.h.
const (
	groupProc  = 1 // CN_IDX_PROC, also CN_VAL_PROC
	listenOp   = 1 // PROC_CN_MCAST_LISTEN
	headerLen  = unix.NLMSG_HDRLEN + 20
	eventLen   = 16 // what, cpu, timestamp
	acked      = 0x00000000
	forked     = 0x00000001
	execed     = 0x00000002
	renamed    = 0x00000200
	exited     = 0x80000000
	bufferSize = 1 << 20 // SO_RCVBUF: some thousands of events
	// ackPatience is how long the kernel may take to say that it will tell; it
	// is silent where it will not.
	ackPatience = time.Second
	turn        = 256 // datagrams in one read
)

// hostNetNS are where the connector may be, which is in the machine's first
// network namespace only: with net_namespace our parent lives there.
func hostNetNS() []string {
	return []string{fmt.Sprintf("/proc/%d/ns/net", os.Getppid()), "/proc/1/ns/net"}
}

// event is what happened to a process, not to a mere thread.
type event struct {
	what        uint32
	pid, parent int
}

// connector is a socket on which the kernel tells of processes.
type connector struct {
	fd  int
	buf []byte
}

// listen opens a connector, from the host's network namespace where ours has
// none.
func listen(buffer kernel.Buffer) (*connector, error) {
	c, err := subscribe(buffer)
	if !errors.Is(err, unix.ECONNREFUSED) {
		return c, err
	}
	type opened struct {
		c   *connector
		err error
	}
	done := make(chan opened, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for _, ns := range hostNetNS() {
			c, also := elsewhere(ns, buffer)
			if also == nil {
				done <- opened{c, nil}
				return
			}
			err = errors.Join(err, also)
		}
		done <- opened{nil, err}
	}()
	o := <-done
	return o.c, o.err
}

func elsewhere(ns string, buffer kernel.Buffer) (*connector, error) {
	f, err := os.Open(ns)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("enter network namespace %s: %w", ns, err)
	}
	return subscribe(buffer)
}

func subscribe(buffer kernel.Buffer) (*connector, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_CONNECTOR)
	if err != nil {
		return nil, fmt.Errorf("open the process connector: %w", err)
	}
	c := &connector{fd: fd, buf: make([]byte, 4096)}
	buffer.Apply(fd, bufferSize)
	err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groupProc})
	if err == nil {
		err = unix.Sendto(fd, request(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	}
	if err == nil {
		err = c.awaitAck()
	}
	if err != nil {
		c.close()
		return nil, fmt.Errorf("ask the process connector: %w", err)
	}
	return c, nil
}

// request asks to be told of all processes.
func request() []byte {
	b := make([]byte, headerLen+4)
	n := binary.NativeEndian
	n.PutUint32(b, uint32(len(b)))
	n.PutUint16(b[4:], unix.NLMSG_DONE)
	n.PutUint32(b[unix.NLMSG_HDRLEN:], groupProc)
	n.PutUint32(b[unix.NLMSG_HDRLEN+4:], groupProc)
	n.PutUint16(b[unix.NLMSG_HDRLEN+16:], 4)
	n.PutUint32(b[headerLen:], listenOp)
	return b
}

// awaitAck waits for the kernel's word that it tells. Events that come before
// are not missed: /proc is read afterwards.
func (c *connector) awaitAck() error {
	for end := time.Now().Add(ackPatience); ; {
		left := time.Until(end)
		if left <= 0 {
			return errors.New("it does not answer (in a process namespace of its own?)")
		}
		fds := []unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}} // a descriptor
		if _, err := unix.Poll(fds, int(left/time.Millisecond)+1); err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		answered := false
		refused := uint32(0)
		err := c.receive(func(b []byte) {
			if binary.NativeEndian.Uint32(b) == acked && len(b) >= eventLen+4 {
				answered, refused = true, binary.NativeEndian.Uint32(b[eventLen:])
			}
		})
		switch {
		case answered && refused != 0:
			return unix.Errno(refused)
		case answered:
			return nil
		case err != nil && !errors.Is(err, unix.ENOBUFS):
			return err
		}
	}
}

// read takes what the kernel has told, without waiting. unix.ENOBUFS: events
// were lost.
func (c *connector) read(take func(event)) error {
	return c.receive(func(b []byte) {
		if e, ok := parse(b); ok {
			take(e)
		}
	})
}

// receive calls take for each proc_event that has come.
func (c *connector) receive(take func([]byte)) error {
	for range turn {
		n, from, err := unix.Recvfrom(c.fd, c.buf, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		}
		if sa, ok := from.(*unix.SockaddrNetlink); !ok || sa.Pid != 0 {
			continue // not from the kernel
		}
		for b := c.buf[:n]; len(b) >= headerLen+eventLen; {
			size := int(binary.NativeEndian.Uint32(b))
			if size < headerLen+eventLen || size > len(b) {
				break
			}
			if binary.NativeEndian.Uint32(b[unix.NLMSG_HDRLEN:]) == groupProc {
				take(b[headerLen:size])
			}
			b = b[min((size+3)&^3, len(b)):]
		}
	}
	return nil
}

// parse understands a proc_event; what concerns a mere thread is left out.
func parse(b []byte) (e event, ok bool) {
	n := binary.NativeEndian
	if len(b) < eventLen+8 {
		return e, false
	}
	e.what = n.Uint32(b)
	data := b[eventLen:]
	pid, tgid := n.Uint32(data), n.Uint32(data[4:])
	switch e.what {
	case forked: // parent_pid, parent_tgid, child_pid, child_tgid
		if len(data) < 16 {
			return e, false
		}
		e.parent = int(tgid)
		pid, tgid = n.Uint32(data[8:]), n.Uint32(data[12:])
	case execed, renamed, exited:
	default:
		return e, false
	}
	e.pid = int(pid)
	return e, pid == tgid
}

func (c *connector) close() { _ = unix.Close(c.fd) }
