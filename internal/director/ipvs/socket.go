package ipvs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const (
	// maxBatchBytes bounds one write; the kernel refuses what is longer than
	// the send buffer (212,992 bytes by default).
	maxBatchBytes = 96 << 10
	// maxBatch bounds the answers to one write, if all of it were refused.
	maxBatch = 512
	// receiveBuffer holds the answers of a batch of which every message failed.
	receiveBuffer = 2 << 20
	// answerTimeout is for a kernel that does not answer, which it does
	// within the write. Not to be seen in practice.
	answerTimeout = 20 * time.Second
	// modprobeTimeout bounds the loading of the kernel's module.
	modprobeTimeout = 10 * time.Second
)

// kernel is what the director needs of netlink; the tests have their own.
type kernel interface {
	// write sends the batch and returns what went wrong, by position of the
	// message; the second error means that the outcome is not known.
	write(b *batch, firstSeq uint32) (map[int]error, error)
	// read sends the one message in the batch and hands every part of the
	// answer, after the generic netlink header, to each.
	read(b *batch, seq uint32, each func(payload []byte) error) error
	close() error
}

// socket is a generic netlink socket.
type socket struct {
	conn *netlink.Conn
	raw  syscall.RawConn
	buf  []byte

	// What raw is given, made once: an audit sends and receives thousands of
	// times. They are about what follows.
	sends, receives func(fd uintptr) bool
	out             []byte
	n               int // bytes received
	err             error
}

// Place runs what it is given in the network namespace of IPVS; nil is ours.
type Place func(do func() error) error

func (p Place) do(f func() error) error {
	if p == nil {
		return f()
	}
	return p(f)
}

// dial opens the socket and returns the number of the IPVS family.
func dial(in Place) (s *socket, family uint16, err error) {
	err = in.do(func() (err error) { s, family, err = dialHere(); return })
	return s, family, err
}

func dialHere() (*socket, uint16, error) {
	conn, err := netlink.Dial(genetlink.Protocol, nil)
	if err != nil {
		return nil, 0, unsupported("generic netlink", "lvs_director proxy", err)
	}
	family, err := findFamily(genetlink.NewConn(conn))
	if err != nil {
		return nil, 0, errors.Join(err, conn.Close())
	}
	// Answers carry no copy of the request; failing that they are just longer.
	_ = conn.SetOption(netlink.CapAcknowledge, true)
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, 0, errors.Join(err, conn.Close())
	}
	s := newSocket(conn, raw)
	_ = raw.Control(func(fd uintptr) {
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
		}
	})
	return s, family, nil
}

func newSocket(conn *netlink.Conn, raw syscall.RawConn) *socket {
	s := &socket{conn: conn, raw: raw, buf: make([]byte, 64<<10)}
	kernel := &unix.SockaddrNetlink{Family: unix.AF_NETLINK}
	s.sends = func(fd uintptr) bool {
		s.err = unix.Sendto(int(fd), s.out, 0, kernel)
		return !errors.Is(s.err, unix.EAGAIN)
	}
	s.receives = func(fd uintptr) bool {
		s.n, s.err = unix.Read(int(fd), s.buf)
		return !errors.Is(s.err, unix.EAGAIN)
	}
	return s
}

// findFamily asks for IPVS and, if it is not there, has its module loaded.
func findFamily(c *genetlink.Conn) (uint16, error) {
	f, err := c.GetFamily(familyName)
	if errors.Is(err, os.ErrNotExist) {
		if loadErr := modprobe("ip_vs"); loadErr != nil {
			err = loadErr
		} else {
			f, err = c.GetFamily(familyName)
		}
	}
	if err != nil {
		return 0, unsupported("the kernel module ip_vs", "modprobe ip_vs, or lvs_director proxy", err)
	}
	return f.ID, nil
}

// modprobe runs the program that the kernel itself would run.
func modprobe(module string) error {
	if os.Geteuid() != 0 {
		return errors.New("not loaded, and loading it takes root")
	}
	path := "/sbin/modprobe"
	if b, err := os.ReadFile("/proc/sys/kernel/modprobe"); err == nil && strings.TrimSpace(string(b)) != "" {
		path = strings.TrimSpace(string(b))
	}
	ctx, cancel := context.WithTimeout(context.Background(), modprobeTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--", module).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w %s", path, module, err, strings.TrimSpace(string(out)))
	}
	return nil
}

func unsupported(missing, help string, err error) error {
	return &director.Unsupported{Director: "ipvs", Missing: missing, Help: help, Err: err}
}

func (s *socket) close() error { return s.conn.Close() }

func (s *socket) send(b []byte) error {
	s.out = b
	ctlErr := s.raw.Write(s.sends)
	return errors.Join(s.err, ctlErr)
}

// write asks for an answer to the last message only. The kernel works through
// a write before it returns and answers what it refuses in any case, so when
// the last answer is there, whatever was not mentioned has succeeded.
func (s *socket) write(b *batch, firstSeq uint32) (map[int]error, error) {
	b.acknowledge()
	if err := s.send(b.buf); err != nil {
		return nil, fmt.Errorf("write %d messages to IPVS: %w", b.count, err)
	}
	var failed map[int]error
	last := firstSeq + uint32(b.count) - 1
	err := s.receive(func(m message) (bool, error) {
		i := m.seq - firstSeq
		if m.typ != typeError || i >= uint32(b.count) {
			return false, nil // an answer to something older
		}
		if m.errno != 0 {
			if failed == nil {
				failed = map[int]error{}
			}
			failed[int(i)] = m.errno
		}
		return m.seq == last, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the answers of IPVS: %w", err)
	}
	return failed, nil
}

func (s *socket) read(b *batch, seq uint32, each func([]byte) error) error {
	if err := s.send(b.buf); err != nil {
		return err
	}
	return s.receive(func(m message) (bool, error) {
		switch {
		case m.seq != seq:
			return false, nil
		case m.errno != 0:
			return true, m.errno
		case m.typ == typeError, m.typ == typeDone:
			return true, nil
		case len(m.data) < genlLen:
			return true, errors.New("answer shorter than its header")
		}
		return !m.multi, each(m.data[genlLen:])
	})
}

// message is one netlink message of an answer; data is good until the next.
type message struct {
	typ   uint16
	multi bool
	seq   uint32
	errno syscall.Errno
	data  []byte
}

// receive reads datagrams until each says that it has seen enough.
func (s *socket) receive(each func(message) (done bool, err error)) error {
	if err := s.conn.SetReadDeadline(time.Now().Add(answerTimeout)); err != nil {
		return err
	}
	for {
		ctlErr := s.raw.Read(s.receives)
		if err := errors.Join(s.err, ctlErr); err != nil {
			return err
		}
		if s.n == len(s.buf) {
			return fmt.Errorf("answer of %d bytes or more, longer than the buffer", s.n)
		}
		if done, err := eachMessage(s.buf[:s.n], each); done || err != nil {
			return err
		}
	}
}

func eachMessage(b []byte, each func(message) (bool, error)) (bool, error) {
	for len(b) >= headerLen {
		length := int(native.Uint32(b))
		if length < headerLen || length > len(b) {
			return false, fmt.Errorf("netlink message of %d bytes in %d", length, len(b))
		}
		m := message{
			typ:   native.Uint16(b[4:]),
			multi: native.Uint16(b[6:])&2 != 0, // NLM_F_MULTI
			seq:   native.Uint32(b[8:]),
			data:  b[headerLen:length],
		}
		if (m.typ == typeError || m.typ == typeDone) && len(m.data) >= 4 {
			m.errno = syscall.Errno(-int32(native.Uint32(m.data)))
		}
		if done, err := each(m); done || err != nil {
			return done, err
		}
		b = b[min((length+3)&^3, len(b)):]
	}
	return false, nil
}
