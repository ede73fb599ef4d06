// Package ftp is FTP_CHECK: a server is well when it greets, and if there is
// somebody to log in as, lets that user in (RFC 959 §5.4).
//
// No data connection is made. Replies are read by net/textproto, over a reader
// that ends after maxAnswers bytes.
package ftp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/probe"
)

// maxAnswers bounds all that the server says, in bytes.
const maxAnswers = 64 << 10

// Replies (RFC 959 §4.2.2).
const (
	ready        = 220
	loggedIn     = 230
	needPassword = 331
	goodbye      = 221
)

// Config says whom to ask.
type Config struct {
	To       probe.Endpoint
	User     string // empty = the greeting is enough
	Password string
}

// Probe holds one conversation. It is safe for concurrent use.
type Probe struct{ cfg Config }

// New makes a Probe; the error is that of a name which is no single line.
func New(c Config) (*Probe, error) {
	if strings.ContainsAny(c.User+c.Password, "\r\n\x00") {
		return nil, errors.New("user or password is not one line")
	}
	return &Probe{cfg: c}, nil
}

// Probe makes one attempt.
func (p *Probe) Probe(ctx context.Context) probe.Result {
	return probe.Timed(ctx, p.attempt)
}

func (p *Probe) attempt(ctx context.Context) probe.Result {
	return p.cfg.To.Converse(ctx, func(conn net.Conn) (probe.Result, func(net.Conn)) {
		all := &io.LimitedReader{R: conn, N: maxAnswers}
		t := talk{p: p, conn: conn, all: all, from: textproto.NewReader(bufio.NewReader(all))}
		r := t.hold()
		return r, p.cfg.To.Parting(r.OK)
	})
}

// talk is one conversation.
type talk struct {
	p    *Probe
	conn net.Conn
	all  *io.LimitedReader // what may still be read
	from *textproto.Reader
}

func (t *talk) hold() probe.Result {
	if _, bad := t.say("greeting", "", ready); bad != nil {
		return *bad
	}
	if t.p.cfg.User != "" {
		code, bad := t.say("USER", t.p.cfg.User, loggedIn, needPassword)
		if bad == nil && code == needPassword {
			_, bad = t.say("PASS", t.p.cfg.Password, loggedIn)
		}
		if bad != nil {
			return *bad
		}
	}
	if _, bad := t.say("QUIT", "", goodbye); bad != nil && bad.Reason == probe.Timeout {
		return *bad
	}
	return probe.Result{OK: true, Reason: probe.OK}
}

// say sends a command, unless it is the greeting that is waited for, and reads
// a reply with one of the codes.
func (t *talk) say(command, word string, want ...int) (int, *probe.Result) {
	if command != "greeting" {
		if _, err := io.WriteString(t.conn, strings.TrimSpace(command+" "+word)+"\r\n"); err != nil {
			return 0, t.broken("send "+command, command, err)
		}
	}
	code, text, err := t.reply()
	if err != nil {
		return 0, t.broken("read the answer", command, err)
	}
	for _, w := range want {
		if code == w {
			return code, nil
		}
	}
	text, _, _ = strings.Cut(text, "\n")
	return 0, &probe.Result{Reason: probe.BadAnswer, Detail: fmt.Sprintf("bad %s response: %d %q, expected %d", command, code, text[:min(len(text), 60)], want[0])}
}

// ended says why there is no more to read.
func (t *talk) ended() string {
	if t.all.N <= 0 {
		return fmt.Sprintf("more than %d bytes", maxAnswers)
	}
	return "connection closed"
}

// reply reads one. What does not begin with a digit is none: textproto would
// take "SSH-2.0" for the first of several lines, and wait for the others.
func (t *talk) reply() (code int, text string, err error) {
	first, err := t.from.R.Peek(1)
	if err != nil {
		return 0, "", err
	}
	if first[0] < '0' || first[0] > '9' {
		return 0, "", textproto.ProtocolError("no digit")
	}
	return t.from.ReadResponse(0)
}

// broken is the result of an error within the conversation.
func (t *talk) broken(doing, to string, err error) *probe.Result {
	at := "in place of an answer to " + to
	if to == "greeting" {
		at = "in place of a greeting"
	}
	var bad textproto.ProtocolError
	var odd *textproto.Error
	switch {
	case errors.As(err, &bad), errors.As(err, &odd):
		return &probe.Result{Reason: probe.BadAnswer, Detail: "no FTP reply " + at}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &probe.Result{Reason: probe.BadAnswer, Detail: t.ended() + " " + at}
	}
	r := probe.Failed(err)
	switch r.Reason {
	case probe.Timeout:
		r.Detail = fmt.Sprintf("no answer to %s within %v", to, t.p.cfg.To.Patience())
		if to == "greeting" {
			r.Detail = fmt.Sprintf("no greeting within %v", t.p.cfg.To.Patience())
		}
	case probe.Local:
		r.Detail = doing + ": " + r.Detail
	}
	return &r
}
