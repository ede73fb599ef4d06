package proc

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// maxDrains bounds how many pipes are kept open for background processes that
// hold a program's output after its end. Beyond it their pipe is closed, and
// they get SIGPIPE should they write.
const maxDrains = 64

var drains atomic.Int32

// capture keeps the beginning of a program's output.
type capture struct {
	r, w *os.File
	buf  []byte
	max  int
	done chan struct{} // closed when buf is final
}

func newCapture(limit int) (*capture, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &capture{r: r, w: w, max: limit, done: make(chan struct{})}, nil
}

// started closes our copy of the writing end and begins to read.
func (c *capture) started(ok bool) {
	c.w.Close()
	if !ok {
		c.r.Close()
		return
	}
	go c.read()
}

// finish returns what was written until the program's end. A process that it
// left in the background and that still holds the pipe is not waited for.
func (c *capture) finish() []byte {
	_ = c.r.SetReadDeadline(time.Unix(1, 0))
	<-c.done
	return c.buf
}

func (c *capture) keep(b []byte) {
	if room := c.max - len(c.buf); room > 0 {
		c.buf = append(c.buf, b[:min(len(b), room)]...)
	}
}

func (c *capture) read() {
	defer c.r.Close()
	tmp := make([]byte, 4096)
	for {
		n, err := c.r.Read(tmp)
		c.keep(tmp[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			close(c.done)
			return
		}
	}
	_ = c.r.SetReadDeadline(time.Time{})
	more := c.rest(tmp)
	close(c.done)
	// Somebody in the background still holds the pipe: keep it drained, or it
	// would block or die of its own output.
	if more && drains.Add(1) <= maxDrains {
		_, _ = io.Copy(io.Discard, c.r)
	}
	if more {
		drains.Add(-1)
	}
}

// rest keeps what is in the pipe now and reports whether a writer is left. It
// reads no more than a pipe holds, however fast that writer is.
func (c *capture) rest(tmp []byte) (more bool) {
	raw, err := c.r.SyscallConn()
	if err != nil {
		return false
	}
	for range (1 << 20) / len(tmp) {
		n := 0
		_ = raw.Read(func(fd uintptr) bool {
			n, err = unix.Read(int(fd), tmp)
			return true
		})
		if n <= 0 {
			return err != nil
		}
		c.keep(tmp[:n])
	}
	return true
}
