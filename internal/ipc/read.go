package ipc

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/sys/unix"
)

// readTurn bounds what one ReadReady takes, in bytes, so that a flood of
// messages does not keep a loop from its deadlines. The rest stays readable.
const readTurn = 1 << 20

// chunkSize is how much one system call reads, in bytes.
const chunkSize = 16 << 10

// inbox collects bytes and descriptors until they make a message.
type inbox struct {
	oob   []byte
	buf   []byte // what was read; its memory is reused unless it has grown large
	taken int    // how much of buf was given out as messages
	files []int
}

// waiting is what was read and is no message yet.
func (in *inbox) waiting() []byte { return in.buf[in.taken:] }

// room is where n more bytes can be read to.
func (in *inbox) room(n int) []byte {
	if in.taken > 0 && cap(in.buf)-len(in.buf) < n {
		in.buf = in.buf[:copy(in.buf, in.waiting())]
		in.taken = 0
	}
	in.buf = slices.Grow(in.buf, n)
	return in.buf[len(in.buf) : len(in.buf)+n]
}

// take gives up the first n bytes of those that wait.
func (in *inbox) take(n int) {
	switch in.taken += n; {
	case in.taken < len(in.buf):
	case cap(in.buf) > 2*chunkSize:
		in.buf, in.taken = nil, 0
	default:
		in.buf, in.taken = in.buf[:0], 0
	}
}

// ReadReady reads without waiting what is there and calls take for each
// message; the descriptors become take's. It returns nil when there is no more
// for now, io.EOF when the peer has gone, and an error when what came is no
// message, after which the connection is of no more use.
func (c *Conn) ReadReady(take func(m Message, files []int)) error {
	for read := 0; read < readTurn; {
		n, err := c.read()
		if errors.Is(err, unix.EAGAIN) {
			return nil
		}
		if err != nil {
			return err
		}
		read += n
		for {
			m, files, ok, err := c.in.next()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			take(m, files)
		}
	}
	return nil
}

// Recv waits for one message; the descriptors become the caller's. Close ends
// a Recv that waits.
func (c *Conn) Recv() (Message, []int, error) {
	c.mu.Lock()
	raw, err := c.poller()
	c.mu.Unlock()
	if err != nil {
		return Message{}, nil, err
	}
	for {
		m, files, ok, err := c.in.next()
		if err != nil || ok {
			return m, files, err
		}
		var readErr error
		err = raw.Read(func(uintptr) bool {
			_, readErr = c.read()
			return !errors.Is(readErr, unix.EAGAIN)
		})
		if err != nil {
			return Message{}, nil, ErrClosed
		}
		if readErr != nil {
			return Message{}, nil, readErr
		}
	}
}

// First waits for one message and reads not a byte beyond it, so that what
// follows still wakes the epoll of a child that then turns to ReadReady.
func (c *Conn) First() (Message, []int, error) {
	for {
		m, files, ok, err := c.in.next()
		if err != nil || ok {
			return m, files, err
		}
		b := c.in.waiting()
		want := lengthSize - len(b)
		if want <= 0 {
			want = lengthSize + int(binary.BigEndian.Uint32(b)) - len(b)
		}
		_, err = c.readAtMost(want)
		if errors.Is(err, unix.EAGAIN) {
			_, err = unix.Poll([]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}}, -1) // a descriptor
			if errors.Is(err, unix.EINTR) {
				err = nil
			}
		}
		if err != nil {
			return Message{}, nil, err
		}
	}
}

// read takes one chunk into the inbox: io.EOF when the peer has gone,
// unix.EAGAIN when there is nothing.
func (c *Conn) read() (int, error) { return c.readAtMost(chunkSize) }

func (c *Conn) readAtMost(want int) (int, error) {
	if c.in.oob == nil {
		c.in.oob = make([]byte, unix.CmsgSpace(4*MaxFiles))
	}
	room := c.in.room(min(want, chunkSize))
	for {
		n, oobn, flags, _, err := unix.Recvmsg(c.fd, room, c.in.oob, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return 0, err
		case err == unix.ECONNRESET:
			return 0, io.EOF
		case err != nil:
			return 0, fmt.Errorf("read from the peer: %w", err)
		}
		if err := c.in.takeFiles(c.in.oob[:oobn]); err != nil {
			return 0, err
		}
		if flags&unix.MSG_CTRUNC != 0 {
			return 0, fmt.Errorf("read from the peer: more than %d descriptors at once", MaxFiles)
		}
		if n == 0 {
			return 0, io.EOF
		}
		c.in.buf = c.in.buf[:len(c.in.buf)+n]
		return n, nil
	}
}

func (in *inbox) takeFiles(oob []byte) error {
	if len(oob) == 0 {
		return nil
	}
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return fmt.Errorf("read descriptors from the peer: %w", err)
	}
	for i := range msgs {
		fds, err := unix.ParseUnixRights(&msgs[i])
		if err != nil {
			continue // other control messages carry no descriptors
		}
		in.files = append(in.files, fds...)
	}
	return nil
}

// next takes a whole message out of the inbox, if there is one. Descriptors
// arrive with the first byte of the message they belong to, in order.
func (in *inbox) next() (Message, []int, bool, error) {
	b := in.waiting()
	if len(b) < lengthSize {
		return Message{}, nil, false, nil
	}
	size := int(binary.BigEndian.Uint32(b))
	if size > MaxFrame {
		return Message{}, nil, false, fmt.Errorf("a frame of %d bytes, at most %d", size, MaxFrame)
	}
	if len(b) < lengthSize+size {
		return Message{}, nil, false, nil
	}
	m, err := decode(b[lengthSize : lengthSize+size])
	if err != nil {
		return Message{}, nil, false, fmt.Errorf("a frame that is no message: %w", err)
	}
	in.take(lengthSize + size)
	if m.Files < 0 || m.Files > len(in.files) {
		return Message{}, nil, false, fmt.Errorf("%s announces %d descriptors, %d came", m.Kind, m.Files, len(in.files))
	}
	files := in.files[:m.Files:m.Files]
	in.files = in.files[m.Files:]
	return m, files, true, nil
}

// decode reads what follows a frame's first length. The message keeps nothing
// of b.
func decode(b []byte) (m Message, err error) {
	if len(b) < lengthSize {
		return m, fmt.Errorf("it has %d bytes", len(b))
	}
	size, b := int64(binary.BigEndian.Uint32(b)), b[lengthSize:]
	if size > int64(len(b)) {
		return m, fmt.Errorf("its head has %d bytes, of %d", size, len(b))
	}
	if err := json.Unmarshal(b[:size], &m); err != nil {
		return m, err
	}
	if b = b[size:]; len(b) > 0 {
		m.Body = bytes.Clone(b)
	}
	return m, nil
}
