package http

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/flow"
	"github.com/holdfast-ha/holdfast/internal/raw"
)

// readsTurn bounds the reads of one Step, so that a flood from one server does
// not keep the others waiting.
const readsTurn = 8

// talk is the conversation with a server over a flow.Engine.
type talk struct {
	p      *Probe
	sent   int
	answer answer
	eof    bool
}

// Talk begins a conversation; the Probe must be without TLS.
func (p *Probe) Talk() flow.Talk { return &talk{p: p, answer: answer{want: p.want}} }

// Step sends the request and reads the answer as far as possible.
func (t *talk) Step(fd int, buf []byte) (flow.Wait, probe.Result) {
	for t.sent < len(t.p.request) {
		n, err := raw.Write(fd, t.p.request[t.sent:])
		switch {
		case errors.Is(err, unix.EAGAIN):
			return flow.Write, probe.Result{}
		case err != nil:
			return flow.Done, t.p.broken("send the request", os.NewSyscallError("write", err))
		}
		t.sent += max(n, 0)
		if t.sent == len(t.p.request) {
			return flow.Read, probe.Result{}
		}
	}
	for range readsTurn {
		n, err := raw.Read(fd, buf)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return flow.Read, probe.Result{}
		case err != nil:
			return flow.Done, t.p.broken("read the answer", os.NewSyscallError("read", err))
		case n == 0:
			t.eof = true
			return flow.Done, t.answer.end()
		}
		if r, done := t.answer.feed(buf[:n]); done {
			// Mostly the peer's closing has come with its last words.
			n, err := raw.Read(fd, buf)
			t.eof = n == 0 && err == nil
			return flow.Done, r
		}
	}
	return flow.Read, probe.Result{}
}

// Clean reports whether the peer has closed its side.
func (t *talk) Clean() bool { return t.eof }
