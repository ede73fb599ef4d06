// Package udp is UDP_CHECK: a datagram is sent, and a server is well when
// nothing says that it did not arrive, or when the right answer comes.
//
// Without an answer that is asked for, silence is good news: only ICMP can say
// otherwise, and any datagram that comes back does for proof.
package udp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/probe"
)

// DefaultMax is the greatest length of an answer unless one is given, in bytes
// [max_reply_length].
const DefaultMax = 255

// defaultLen is the length of the payload unless one is given.
const defaultLen = 32

// maxRead is how many bytes of a datagram are looked at; there are no more.
const maxRead = 64 << 10

// maxErrors bounds the errors of one attempt that say nothing of the server.
const maxErrors = 16

// Config says what to send and what to expect. Names in brackets are the
// keywords of keepalived.conf(5).
type Config struct {
	To      probe.Endpoint
	Payload []byte // [payload]; empty = some text
	// Require an answer [require_reply]; what follows is of no use otherwise.
	Require bool
	// Reply must be the answer's beginning, or the answer Reply's beginning,
	// in the bits that Mask has. Mask is of the same length.
	Reply, Mask []byte
	Min, Max    int // length of the answer [min_reply_length, max_reply_length]
}

// Probe sends one datagram. It is safe for concurrent use.
type Probe struct{ cfg Config }

// New makes a Probe.
func New(c Config) (*Probe, error) {
	if len(c.Mask) != len(c.Reply) {
		return nil, fmt.Errorf("a mask of %d bytes for a reply of %d", len(c.Mask), len(c.Reply))
	}
	if len(c.Payload) == 0 {
		c.Payload = []byte(strings.Repeat("holdfast check - ", 2)[:defaultLen])
	}
	return &Probe{cfg: c}, nil
}

// Probe makes one attempt.
func (p *Probe) Probe(ctx context.Context) probe.Result {
	return probe.Timed(ctx, p.attempt)
}

func (p *Probe) attempt(ctx context.Context) probe.Result {
	conn, hangUp, err := p.cfg.To.DialUDP(ctx)
	if err != nil {
		return probe.RefusedDatagram(err)
	}
	defer hangUp()
	if _, err := conn.Write(p.cfg.Payload); err != nil {
		return probe.RefusedDatagram(err)
	}
	buf := make([]byte, min(max(p.cfg.Max, DefaultMax)+1, maxRead))
	for range maxErrors {
		n, err := conn.Read(buf)
		switch {
		case err == nil:
			return p.cfg.judge(buf[:n])
		case errors.Is(err, unix.EMSGSIZE): // a router's hint, not an error
		case errors.Is(err, os.ErrDeadlineExceeded):
			return p.silent(ctx)
		default:
			return probe.RefusedDatagram(err)
		}
	}
	return probe.Result{Reason: probe.Local, Detail: "errors of the socket in place of an answer"}
}

// silent is the result when nothing came, not even an error.
func (p *Probe) silent(ctx context.Context) probe.Result {
	if p.cfg.Require || ctx.Err() != nil {
		return probe.Result{Reason: probe.Timeout, Detail: fmt.Sprintf("no reply within %v", p.cfg.To.Patience())}
	}
	return probe.Result{OK: true, Reason: probe.OK}
}

// judge compares an answer with the one that is wanted.
func (c *Config) judge(b []byte) probe.Result {
	switch {
	case !c.Require:
	case len(b) > c.Max:
		return bad("reply of more than %d bytes", c.Max)
	case len(b) < c.Min:
		return bad("reply of %d bytes, expected %d or more", len(b), c.Min)
	}
	if c.Require {
		for i := range min(len(b), len(c.Reply)) {
			if (b[i]^c.Reply[i])&c.Mask[i] != 0 {
				return bad("reply data mismatch at byte %d: 0x%02x, expected %s", i+1, b[i], c.expected(i))
			}
		}
	}
	return probe.Result{OK: true, Reason: probe.OK}
}

// expected writes byte i of the answer that is wanted; a digit that does not
// count is an x, as in require_reply.
func (c *Config) expected(i int) string {
	digits := fmt.Appendf(nil, "0x%02x", c.Reply[i])
	for k := range 2 {
		if c.Mask[i]>>(4*(1-k))&0xf == 0 {
			digits[2+k] = 'x'
		}
	}
	return string(digits)
}

func bad(format string, args ...any) probe.Result {
	return probe.Result{Reason: probe.BadAnswer, Detail: fmt.Sprintf(format, args...)}
}
