// Package smtp is SMTP_CHECK: a mail server is well when it greets, answers
// HELO and takes its leave, each as RFC 5321 says.
//
// How replies are read is in reply.go. Nothing is sent before the server has
// greeted: one that rejects those who speak first would be right to.
package smtp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/probe"
)

// DefaultHelo is the name that keepalived gives, so that servers which look at
// it see no difference.
const DefaultHelo = "smtpchecker.keepalived.org"

// Config says whom to ask. Names in brackets are the keywords of
// keepalived.conf(5).
type Config struct {
	To   probe.Endpoint
	Helo string // [helo_name]; empty = DefaultHelo
}

// Probe holds one conversation. It is safe for concurrent use.
type Probe struct {
	To   probe.Endpoint
	helo string
}

// New makes a Probe; the error is that of a name which is no single line.
func New(c Config) (*Probe, error) {
	if c.Helo == "" {
		c.Helo = DefaultHelo
	}
	if strings.ContainsAny(c.Helo, "\r\n\x00") {
		return nil, fmt.Errorf("helo_name %q is not one line", c.Helo)
	}
	return &Probe{To: c.To, helo: c.Helo}, nil
}

// Probe makes one attempt.
func (p *Probe) Probe(ctx context.Context) probe.Result {
	return probe.Timed(ctx, p.attempt)
}

func (p *Probe) attempt(ctx context.Context) probe.Result {
	return p.To.Converse(ctx, func(conn net.Conn) (probe.Result, func(net.Conn)) {
		r := p.talk(conn)
		return r, p.To.Parting(r.OK)
	})
}

// talk is the conversation: what is sent, and the code that must follow.
func (p *Probe) talk(conn io.ReadWriter) probe.Result {
	from := bufio.NewReaderSize(conn, maxLine)
	for _, s := range []struct {
		name, send string
		want       int
	}{
		{"greeting", "", 220},
		{"HELO", "HELO " + p.helo + "\r\n", 250},
		{"QUIT", "QUIT\r\n", 221},
	} {
		if s.send != "" {
			if _, err := io.WriteString(conn, s.send); err != nil {
				return p.broken("send "+s.name, s.name, err)
			}
		}
		reply, err := read(from)
		if err != nil {
			return p.broken("read the answer", s.name, err)
		}
		if reply.code != s.want {
			return probe.Result{Reason: probe.BadAnswer, Detail: said(s.name, reply, s.want)}
		}
	}
	return probe.Result{OK: true, Reason: probe.OK}
}

// said tells of an answer that is not the one that was wanted.
func said(to string, got reply, want int) string {
	if to == "greeting" {
		return fmt.Sprintf("bad greeting banner: %s, expected %d", got, want)
	}
	return fmt.Sprintf("bad %s response: %s, expected %d", to, got, want)
}

// broken is the result of an error within the conversation.
func (p *Probe) broken(doing, to string, err error) probe.Result {
	at := "in place of an answer to " + to
	if to == "greeting" {
		at = "in place of a greeting"
	}
	var bad malformed
	switch {
	case errors.As(err, &bad):
		return probe.Result{Reason: probe.BadAnswer, Detail: fmt.Sprintf("%s %s", bad, at)}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return probe.Result{Reason: probe.BadAnswer, Detail: "connection closed " + at}
	}
	r := probe.Failed(err)
	switch r.Reason {
	case probe.Timeout:
		r.Detail = fmt.Sprintf("no answer to %s within %v", to, p.To.Patience())
		if to == "greeting" {
			r.Detail = fmt.Sprintf("no greeting within %v", p.To.Patience())
		}
	case probe.Local:
		r.Detail = doing + ": " + r.Detail
	}
	return r
}
