package loop

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MaxPosts is how many posted calls wait for the loop at most.
const MaxPosts = 4096

// postTurn is how many posted calls are run between two looks at the sockets.
const postTurn = 64

// posts brings calls from other goroutines to the loop.
type posts struct {
	fd int // an eventfd, readable while something waits

	mu      sync.Mutex // held to move a few words, never across a call
	ring    []func()   // grows up to MaxPosts
	head    int
	count   int
	stopped bool // Stop was called; nothing more is taken
	closed  bool // nobody will run what waits
}

func (p *posts) open() (err error) {
	p.fd, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	p.ring = make([]func(), 64)
	return err
}

// Post has fn called on the loop, soon, in the order of the posts. It reports
// false when the loop has ended or MaxPosts calls wait; then fn is not called.
func (l *Loop) Post(fn func()) bool { return l.posts.put(fn) }

func (p *posts) put(fn func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped || p.closed || p.count == MaxPosts {
		return false
	}
	if p.count == len(p.ring) {
		bigger := make([]func(), 2*len(p.ring))
		for i := range p.count {
			bigger[i] = p.ring[(p.head+i)%len(p.ring)]
		}
		p.ring, p.head = bigger, 0
	}
	p.ring[(p.head+p.count)%len(p.ring)] = fn
	p.count++
	if p.count == 1 {
		p.signal()
	}
	return true
}

func (p *posts) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed && !p.stopped {
		p.stopped = true
		p.signal()
	}
}

// signal and clear use the eventfd, which does not block, without telling the
// scheduler.
func (p *posts) signal() {
	one := uint64(1)
	_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(p.fd), uintptr(unsafe.Pointer(&one)), unsafe.Sizeof(one))
}

func (p *posts) clear() error {
	var n uint64
	_, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(p.fd), uintptr(unsafe.Pointer(&n)), unsafe.Sizeof(n))
	if errno != 0 && errno != unix.EAGAIN {
		return errno
	}
	return nil
}

// run calls what waits, some of it, on the loop.
func (p *posts) run(l *Loop) {
	for range postTurn {
		fn, ok := p.take(l)
		if !ok {
			return
		}
		fn()
		if l.armed != 0 && l.Look() >= l.armed {
			l.serve()
		}
	}
}

// take takes the oldest; when there is none it clears the eventfd, which
// otherwise stays readable and so brings the rest with the next turn.
func (p *posts) take(l *Loop) (func(), bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count == 0 {
		if err := p.clear(); err != nil {
			l.Fail(err)
		}
		l.stop = l.stop || p.stopped
		return nil, false
	}
	fn := p.ring[p.head]
	p.ring[p.head] = nil
	p.head = (p.head + 1) % len(p.ring)
	p.count--
	return fn, true
}

func (p *posts) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.fd >= 0 {
		_ = unix.Close(p.fd)
		p.fd = -1
	}
}
