package kernel

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/reconcile"
)

// Bounds of writing.
const (
	maxJobs   = 64 // Apply calls that wait for the thread
	chunk     = 64 // operations in one request to the kernel
	postAgain = time.Millisecond

	answerPatience = 2 * time.Second
)

// ErrBusy is what Apply answers while too much waits already.
var ErrBusy = errors.New("too many changes wait for the kernel already")

// Writer carries out operations. It implements Tables for the Reflector's
// network namespace.
type Writer struct {
	r       *Reflector
	now     *writeSocket // the loop's
	pending map[opKey]int

	// The thread's. Jobs has room for maxJobs so that the loop never waits.
	jobs chan job
	sock *writeSocket
	stop chan struct{}
	done sync.WaitGroup
}

type job struct {
	ops []Op
	fin func(errs []error)
}

// NewWriter makes a writer and starts its thread, in the network namespace of
// the calling thread. post has a call made on the loop (loop.Post); changed is
// what the Reflector's Read is called with before an Apply is reported.
func NewWriter(r *Reflector, post func(func()) bool, changed func(Change)) (*Writer, error) {
	now, err := newWriteSocket()
	if err != nil {
		return nil, err
	}
	now.write, now.read = writePrompt, readPrompt
	later, err := newWriteSocket()
	if err != nil {
		now.close()
		return nil, err
	}
	w := &Writer{
		r: r, now: now, sock: later, pending: map[opKey]int{},
		jobs: make(chan job, maxJobs), stop: make(chan struct{}),
	}
	w.done.Go(func() { w.run(post, changed) })
	return w, nil
}

// Close ends the thread; what it was doing is finished, what waits is not.
func (w *Writer) Close() {
	close(w.stop)
	w.done.Wait()
	w.now.close()
	w.sock.close()
}

// ApplyNow implements Tables.
func (w *Writer) ApplyNow(ops []Op) []error {
	errs := make([]error, len(ops))
	w.now.carryOut(ops, errs)
	for i, op := range ops {
		if errs[i] == nil {
			w.r.m.apply(op)
		} else {
			errs[i] = op.wrap(errs[i], w.r.m.Name)
		}
	}
	return errs
}

// Pending implements Tables.
func (w *Writer) Pending(op Op) bool { return w.pending[op.key()] != 0 }

// Apply implements Tables.
func (w *Writer) Apply(ops []Op, done func(errs []error)) error {
	select {
	case w.jobs <- job{ops: ops, fin: done}:
		for _, op := range ops {
			w.pending[op.key()]++
		}
		return nil
	default:
		return ErrBusy
	}
}

// run is the thread. It keeps its thread, so that the loop's need not be woken
// by the runtime to take over.
func (w *Writer) run(post func(func()) bool, changed func(Change)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		var j job
		select {
		case <-w.stop:
			return
		case j = <-w.jobs:
		}
		errs := make([]error, len(j.ops))
		w.sock.carryOut(j.ops, errs)
		for !post(func() { w.finish(j, errs, changed) }) {
			select {
			case <-w.stop:
				return
			case <-time.After(postAgain):
			}
		}
	}
}

// finish reports a job, on the loop.
func (w *Writer) finish(j job, errs []error, changed func(Change)) {
	for i, op := range j.ops {
		k := op.key()
		if w.pending[k]--; w.pending[k] == 0 {
			delete(w.pending, k)
		}
		errs[i] = op.wrap(errs[i], w.r.m.Name)
	}
	_ = w.r.Read(changed) // whoever watches the descriptor sees the same error
	j.fin(errs)
}

// writeSocket is a routing netlink socket for requests.
type writeSocket struct {
	fd    int
	write func(fd int, b []byte) (int, error)
	read  func(fd int, b []byte) (int, error)
	seq   uint32
	q     requests
	owner []int // which operation each message of a request belongs to
	buf   []byte
}

func newWriteSocket() (*writeSocket, error) {
	fd, _, err := open(0)
	if err != nil {
		return nil, err
	}
	// The answers are there when a request has been sent; should a kernel
	// differ, nobody waits for ever.
	patience := unix.NsecToTimeval(int64(answerPatience))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("set SO_RCVTIMEO of routing netlink: %w", err)
	}
	return &writeSocket{fd: fd, write: unix.Write, read: unix.Read, buf: make([]byte, readBuffer)}, nil
}

func (s *writeSocket) close() { _ = unix.Close(s.fd) }

// carryOut writes ops in requests of chunk and fills in errs.
func (s *writeSocket) carryOut(ops []Op, errs []error) {
	for len(ops) != 0 {
		n := min(chunk, len(ops))
		if err := s.request(ops[:n], errs[:n]); err != nil {
			for i := range errs {
				errs[i] = errors.Join(errs[i], err)
			}
			return
		}
		ops, errs = ops[n:], errs[n:]
	}
}

// request writes ops at once. The kernel works on a request while it is being
// sent, and answers of every message that failed; only of the last do we want
// to hear in any case, since then all of it has been done.
func (s *writeSocket) request(ops []Op, errs []error) error {
	s.q.reset()
	s.owner = s.owner[:0]
	first := s.seq + 1
	for i, op := range ops {
		for range s.q.op(op, s.seq+1) {
			s.owner = append(s.owner, i)
			s.seq++
		}
	}
	if len(s.owner) == 0 {
		return nil
	}
	flags := native.Uint16(s.q.buf[s.q.start+6:])
	native.PutUint16(s.q.buf[s.q.start+6:], flags|unix.NLM_F_ACK)
	for {
		_, err := s.write(s.fd, s.q.buf)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("write routing netlink: %w", err)
		}
	}
	return s.answers(ops, errs, first)
}

// answers reads until the last message of a request has been answered.
func (s *writeSocket) answers(ops []Op, errs []error, first uint32) error {
	for last := false; !last; {
		n, err := s.read(s.fd, s.buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read routing netlink: %w", err)
		}
		err = messages(s.buf[:n], func(m message) error {
			at := m.seq - first
			if m.typ != unix.NLMSG_ERROR || at >= uint32(len(s.owner)) { // bounded by chunk
				return nil // an answer to an earlier request
			}
			last = last || m.seq == s.seq
			i := s.owner[at]
			if err := m.answer(); err != nil && !done(ops[i], err) {
				errs[i] = err
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("read routing netlink: %w", err)
		}
	}
	return nil
}

// done reports whether an error only says that somebody was faster.
func done(op Op, err error) bool {
	switch op.Verb() {
	case reconcile.Add:
		return errors.Is(err, unix.EEXIST)
	case reconcile.Remove:
		return op.Of == RuleChanged && errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ESRCH)
	case reconcile.Change: // of its two halves
		return errors.Is(err, unix.EADDRNOTAVAIL) || op.Of == RouteChanged && errors.Is(err, unix.ESRCH)
	}
	return false
}

// apply does to the mirror what an operation did to the kernel; its events
// will say the same, some of them later.
func (m *Mirror) apply(op Op) {
	switch {
	case op.Of == RouteChanged && op.Route.Verb == reconcile.Remove:
		delete(m.routes, op.Route.Key)
	case op.Of == RouteChanged:
		m.routes[op.Route.Key] = routeEntry{Route: op.Route.Want, seen: m.generation}
	case op.Of == RuleChanged && op.Rule.Verb == reconcile.Remove:
		delete(m.rules, op.Rule.Key)
	case op.Of == RuleChanged:
		m.rules[op.Rule.Key] = m.generation
	case op.Addr.Verb == reconcile.Remove:
		m.dropAddr(op.Addr.Key)
	default:
		was, ok := m.addrs[op.Addr.Key]
		if ok && op.Addr.Verb == reconcile.Change && AddrKind.Same(op.Addr.Want, was.Address) {
			return // a lease was renewed
		}
		if !ok {
			m.generation++
			was.order = m.generation
		}
		m.putAddr(op.Addr.Key, addrEntry{Address: op.Addr.Want, order: was.order, seen: m.generation})
	}
}
