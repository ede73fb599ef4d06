package proxyd

import (
	"sync"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/raw"
)

const (
	// chunk is how much is read at once while a connection talks in small
	// pieces, in bytes.
	chunk = 32 << 10
	// bulk is how much one direction moves before it is another's turn.
	bulk = 1 << 20
	// pipeSize is what a pipe is to hold, in bytes.
	pipeSize = 256 << 10
	// sparePipes bounds the pipes that a worker keeps for later.
	sparePipes = 16
)

// chunks hold what a peer would not take at once, and are lent only then.
var chunks = sync.Pool{New: func() any { b := make([]byte, chunk); return &b }}

// flow is one direction of a connection.
type flow struct {
	lent  *[]byte // of chunks, behind rest
	rest  []byte  // read, and not yet taken
	pipe  *pipe   // while chunks come full: bytes go through it uncopied
	piped int     // in the pipe
	ended bool    // src has said all
	done  bool    // and dst has been told
}

// pump moves from src to dst until one of them has to be waited for (false) or
// the turn is over (true), and tells c what it moved. The worker's buffer is used while it runs.
func (f *flow) pump(w *worker, src, dst *side, c *conn, from int) (more bool, err error) {
	for moved := 0; !f.done; {
		if waits, err := f.deliver(dst); waits || err != nil {
			return false, err
		}
		switch {
		case f.ended:
			f.release(w)
			f.done = true
			if c.flows[1-from].done {
				return false, nil // closing says it
			}
			return false, raw.CloseWrite(int(dst.fd))
		case !src.readable:
			f.release(w)
			return false, nil
		case moved >= bulk:
			return true, nil
		}
		n, err := f.fetch(w, src, dst)
		if err != nil {
			return false, err
		}
		moved += n
		c.count(from, n)
	}
	return false, nil
}

// deliver gives dst what it did not take before.
func (f *flow) deliver(dst *side) (waits bool, err error) {
	for f.piped > 0 || len(f.rest) > 0 {
		var n int
		if f.piped > 0 {
			n, err = splice(f.pipe.r, int(dst.fd), f.piped)
			f.piped -= n
		} else {
			n, err = raw.Write(int(dst.fd), f.rest)
			f.rest = f.rest[n:]
		}
		if err == unix.EAGAIN { //nolint:errorlint // a bare errno
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	if f.lent != nil {
		chunks.Put(f.lent)
		f.lent, f.rest = nil, nil
	}
	return false, nil
}

// fetch reads once from src, and offers it to dst.
func (f *flow) fetch(w *worker, src, dst *side) (n int, err error) {
	uncopied := f.pipe != nil && !src.urgent // splice(2) never gets past urgent data
	if uncopied {
		n, err = splice(int(src.fd), f.pipe.w, bulk)
		f.piped += n
	} else {
		n, err = raw.Read(int(src.fd), w.buf)
	}
	switch {
	case err == unix.EAGAIN: //nolint:errorlint // a bare errno
		src.readable = false
		return 0, nil
	case err != nil:
		return 0, err
	case n == 0:
		f.ended = true
		return 0, nil
	case uncopied:
		return n, nil
	}
	if n < len(w.buf) && !src.urgent { // all was read; what comes is an event
		src.readable, f.ended = false, src.ending
	}
	send := raw.Write
	if f.ended {
		send = raw.WriteLast
	}
	taken, err := send(int(dst.fd), w.buf[:n])
	if err != nil && err != unix.EAGAIN { //nolint:errorlint // a bare errno
		return n, err
	}
	if taken < n {
		f.lent = chunks.Get().(*[]byte)
		f.rest = (*f.lent)[:copy(*f.lent, w.buf[taken:n])]
	}
	if n == len(w.buf) && f.pipe == nil && !src.urgent {
		f.pipe = w.takePipe()
	}
	return n, nil
}

// release gives back what is only needed while bytes move.
func (f *flow) release(w *worker) {
	if f.pipe != nil {
		w.givePipe(f.pipe, f.piped == 0)
		f.pipe, f.piped = nil, 0
	}
	if f.lent != nil {
		chunks.Put(f.lent)
		f.lent, f.rest = nil, nil
	}
}

// pipe is what splice(2) needs between two sockets.
type pipe struct{ r, w int }

// takePipe returns nil if there are none left; bytes are copied then.
func (w *worker) takePipe() *pipe {
	if !w.engine.pipes.try() {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.pipes); n > 0 {
		p := w.pipes[n-1]
		w.pipes = w.pipes[:n-1]
		return p
	}
	var fds [2]int
	if unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		w.engine.pipes.give()
		return nil
	}
	_, _ = unix.FcntlInt(uintptr(fds[0]), unix.F_SETPIPE_SZ, pipeSize) // or the size that it has
	return &pipe{fds[0], fds[1]}
}

func (w *worker) givePipe(p *pipe, empty bool) {
	w.engine.pipes.give()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !empty || len(w.pipes) >= sparePipes {
		p.close()
		return
	}
	w.pipes = append(w.pipes, p)
}

func (p *pipe) close() {
	_ = unix.Close(p.r)
	_ = unix.Close(p.w)
}

// splice goes on after a signal, and counts no negative bytes. It moves so much
// at once that the scheduler is told.
func splice(from, to, most int) (int, error) {
	for {
		n, err := unix.Splice(from, nil, to, nil, most, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		if err != unix.EINTR {
			return int(max(n, 0)), err
		}
	}
}
