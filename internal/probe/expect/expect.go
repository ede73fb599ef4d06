// Package expect is EXPECT_CHECK: what is sent to a server, and what must come
// back, step by step, for protocols that no other probe speaks.
//
// Scripts that are ready are in ready.go; they go as far as one can without
// a password. How an answer is compared is in pattern.go.
package expect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/secure"
)

// MaxAnswer is how much may come before a pattern is found, in bytes.
const MaxAnswer = 16 << 10

// maxShown bounds what a failure quotes, in bytes.
const maxShown = 40

// Step sends something, or waits for one of several patterns.
type Step struct {
	Send []byte
	Want []Pattern // empty = nothing is waited for
	Hope string    // what is waited for, in words; empty = the patterns are shown
}

// Config says what to say.
type Config struct {
	To    probe.Endpoint
	TLS   *secure.Config // nil = plain
	Steps []Step
}

// Probe holds one conversation. It is safe for concurrent use.
type Probe struct {
	cfg Config
	tls *secure.Client
}

// New makes a Probe.
func New(c Config) *Probe {
	p := &Probe{cfg: c}
	if c.TLS != nil {
		p.tls = secure.New(*c.TLS)
	}
	return p
}

// Probe makes one attempt.
func (p *Probe) Probe(ctx context.Context) probe.Result {
	return probe.Timed(ctx, p.attempt)
}

func (p *Probe) attempt(ctx context.Context) probe.Result {
	return p.cfg.To.Converse(ctx, func(raw net.Conn) (probe.Result, func(net.Conn)) {
		r, farewell := p.tls.Talk(ctx, raw, p.cfg.To.Patience(), p.talk)
		if farewell {
			return r, func(c net.Conn) { p.cfg.To.Leave(c, true) }
		}
		return r, probe.Cut
	})
}

func (p *Probe) talk(conn net.Conn) probe.Result {
	var got []byte
	for i := range p.cfg.Steps {
		s := &p.cfg.Steps[i]
		if len(s.Send) > 0 {
			if _, err := conn.Write(s.Send); err != nil {
				return p.broken(i, nil, err)
			}
		}
		if len(s.Want) == 0 {
			continue
		}
		var bad *probe.Result
		if got, bad = p.await(conn, i, got); bad != nil {
			return *bad
		}
	}
	return probe.Result{OK: true, Reason: probe.OK}
}

// await reads until one of a step's patterns is found, and returns what comes
// after it.
func (p *Probe) await(conn io.Reader, step int, got []byte) ([]byte, *probe.Result) {
	buf := make([]byte, 4<<10)
	for {
		end, never := find(p.cfg.Steps[step].Want, got)
		switch {
		case end >= 0:
			return got[end:], nil
		case never:
			return nil, p.wrong(step, "got "+shown(got))
		case len(got) >= MaxAnswer:
			return nil, p.wrong(step, fmt.Sprintf("got %d bytes that begin %s", MaxAnswer, shown(got)))
		}
		n, err := conn.Read(buf[:min(len(buf), MaxAnswer-len(got))])
		got = append(got, buf[:n]...)
		if err != nil && n == 0 {
			r := p.broken(step, got, err)
			return nil, &r
		}
	}
}

// wrong is the result of a step in which something else came.
func (p *Probe) wrong(step int, what string) *probe.Result {
	return &probe.Result{Reason: probe.BadAnswer, Detail: p.missed(step, what)}
}

// missed says what came, and in the place of what.
func (p *Probe) missed(step int, what string) string {
	detail := fmt.Sprintf("step %d: %s", step+1, what)
	if hope := p.cfg.Steps[step].hope(); hope != "" {
		detail += ", expected " + hope
	}
	return detail
}

// came says what came until time was up.
func came(got []byte) string {
	if len(got) == 0 {
		return "no answer"
	}
	return "nothing but " + shown(got)
}

// shown quotes the beginning of what came.
func shown(got []byte) string {
	if len(got) > maxShown {
		return strconv.Quote(string(got[:maxShown])) + "…"
	}
	return strconv.Quote(string(got))
}

// broken is the result of an error within the conversation.
func (p *Probe) broken(step int, got []byte, err error) probe.Result {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		if len(got) == 0 {
			return *p.wrong(step, "connection closed without an answer")
		}
		return *p.wrong(step, "connection closed after "+shown(got))
	}
	r := probe.Failed(err)
	switch r.Reason {
	case probe.Timeout:
		r.Detail = p.missed(step, fmt.Sprintf("%s within %v", came(got), p.cfg.To.Patience()))
	case probe.Local:
		r = probe.Result{Reason: probe.BadAnswer, Detail: fmt.Sprintf("step %d: %v", step+1, err)}
	}
	return r
}
