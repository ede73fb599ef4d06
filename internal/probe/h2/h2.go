// Package h2 asks one question over HTTP/2 (RFC 9113): one request on one
// stream of a connection of its own, and hands on what comes back while it
// comes.
//
// A client that asks once needs little of the protocol: it never has to wait
// for a window to send in, nor to keep state for a second stream. Frames are
// in frame.go; what an answer means is for those who ask, probe/http and
// probe/grpc.
package h2

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"golang.org/x/net/http2/hpack"
)

// Bounds of what a server may send.
const (
	// MaxHeader is the longest header, encoded or not, in bytes.
	MaxHeader = 64 << 10
	// maxControl is how many frames may come that are none of the answer.
	maxControl = 1000
)

// Field is one line of a header; names are lower case.
type Field = hpack.HeaderField

// Request is what is asked; the pseudo fields (":method" and so on) come first.
type Request struct {
	Fields []Field
	Body   []byte // at most MaxBody
}

// MaxBody is how much every server takes before it has said anything (RFC
// 9113 §6.9.2), in one frame (§4.2).
const MaxBody = 16 << 10

// Answer takes what comes. done ends the conversation.
type Answer interface {
	// Header is called for the header, informational ones included, and for
	// the trailer; end says that nothing follows.
	Header(fields []Field, end bool) (done bool)
	// Data is called for each part of the body; it may be empty. The bytes
	// are good until it returns.
	Data(b []byte, end bool) (done bool)
}

// ErrIncomplete is that of a server that closed before the answer was there.
var ErrIncomplete = errors.New("connection closed within the answer")

// Malformed is an error of the other side's HTTP/2.
type Malformed string

func (m Malformed) Error() string { return string(m) }

func malformed(format string, args ...any) error { return Malformed(fmt.Sprintf(format, args...)) }

// Ask holds the conversation, until the answer has ended or is done with.
func Ask(conn io.ReadWriter, r Request, a Answer) error {
	c := &client{conn: conn, in: bufio.NewReaderSize(conn, 4<<10), answer: a}
	c.header = hpack.NewDecoder(4096, c.field)
	c.header.SetMaxStringLength(MaxHeader)
	if _, err := conn.Write(opening(r)); err != nil {
		return fmt.Errorf("send the request: %w", err)
	}
	for {
		f, err := c.next()
		if err == nil {
			err = c.take(f)
		}
		switch {
		case c.done:
			return nil
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return ErrIncomplete
		case err != nil:
			return err
		}
	}
}

// client is one conversation.
type client struct {
	conn    io.Writer
	in      *bufio.Reader
	answer  Answer
	buf     [maxFrame]byte
	header  *hpack.Decoder
	fields  []Field
	size    int    // of fields (RFC 7541 §4.1)
	block   []byte // of a header that is not complete
	open    bool   // a header has begun: only its continuation may come
	last    bool   // and nothing after it
	control int
	heard   bool // a frame has come
	done    bool
}

// next reads a frame; the first must be SETTINGS (RFC 9113 §3.4), else another
// protocol is spoken.
func (c *client) next() (frame, error) {
	if !c.heard {
		head, err := c.in.Peek(headLen)
		switch {
		case err != nil:
			return frame{}, err
		case bytes.HasPrefix(head, []byte("HTTP/")):
			return frame{}, malformed("answer is HTTP/1, not HTTP/2")
		case head[3] != kindSettings:
			return frame{}, malformed("answer is not HTTP/2: it begins %q", head)
		}
		c.heard = true
	}
	return readFrame(c.in, c.buf[:])
}

// take looks at one frame.
func (c *client) take(f frame) error {
	if c.open && (f.kind != kindContinuation || f.stream != stream) {
		return malformed("a frame of type %d within a header", f.kind)
	}
	switch {
	case f.kind == kindHeaders && f.stream == stream:
		return c.begin(f)
	case f.kind == kindContinuation && f.stream == stream && c.open:
		return c.more(f.body, f.flags&flagEndHeaders != 0)
	case f.kind == kindData && f.stream == stream:
		return c.data(f)
	case f.kind == kindReset && f.stream == stream:
		return malformed("the server reset the stream: %s", f.code(0))
	case f.kind == kindGoAway && f.code(4) != "NO_ERROR":
		return malformed("the server ended the connection: %s", f.code(4))
	case f.kind == kindPushPromise, f.kind == kindContinuation:
		return malformed("a frame of type %d that nobody asked for", f.kind)
	}
	return c.housekeeping(f)
}

// housekeeping is what keeps a connection going.
func (c *client) housekeeping(f frame) (err error) {
	if c.control++; c.control > maxControl {
		return malformed("more than %d frames besides the answer", maxControl)
	}
	switch {
	case f.flags&flagAck != 0:
	case f.kind == kindSettings:
		_, err = c.conn.Write(appendFrame(nil, kindSettings, flagAck, 0, nil))
	case f.kind == kindPing:
		_, err = c.conn.Write(appendFrame(nil, kindPing, flagAck, 0, f.body))
	}
	return err
}

// begin is the beginning of a header.
func (c *client) begin(f frame) error {
	body, ok := f.unpadded()
	if ok && f.flags&flagPriority != 0 {
		if ok = len(body) >= 5; ok {
			body = body[5:]
		}
	}
	if !ok {
		return malformed("a header with more padding than header")
	}
	c.open, c.last, c.block, c.fields, c.size = true, f.flags&flagEndStream != 0, nil, nil, 0
	return c.more(body, f.flags&flagEndHeaders != 0)
}

// more is the next part of a header.
func (c *client) more(body []byte, complete bool) error {
	if len(c.block)+len(body) > MaxHeader {
		return malformed("header is longer than %d bytes", MaxHeader)
	}
	c.block = append(c.block, body...)
	if !complete {
		return nil
	}
	c.open = false
	if _, err := c.header.Write(c.block); err != nil {
		return malformed("header cannot be read: %v", err)
	}
	if err := c.header.Close(); err != nil {
		return malformed("header cannot be read: %v", err)
	}
	if c.size > MaxHeader {
		return malformed("header is longer than %d bytes", MaxHeader)
	}
	return c.ended(c.answer.Header(c.fields, c.last), c.last)
}

// field takes one line of a header, unless there are too many already.
func (c *client) field(f Field) {
	if c.size += int(f.Size()); c.size > MaxHeader {
		c.header.SetEmitEnabled(false)
		return
	}
	c.fields = append(c.fields, f)
}

func (c *client) data(f frame) error {
	body, ok := f.unpadded()
	if !ok {
		return malformed("data with more padding than data")
	}
	end := f.flags&flagEndStream != 0
	if err := c.ended(c.answer.Data(body, end), end); err != nil || c.done {
		return err
	}
	if len(f.body) == 0 {
		return c.housekeeping(f) // it costs no window, but time
	}
	_, err := c.conn.Write(windows(len(f.body)))
	return err
}

// ended notes that the answer is done with, or that there is no more of it.
func (c *client) ended(done, end bool) error {
	if c.done = done; end && !done {
		return ErrIncomplete
	}
	return nil
}
