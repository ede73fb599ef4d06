// Package http is HTTP_GET and SSL_GET: one request for one URL, and what the
// answer must be. It speaks just enough of HTTP/1 to judge an answer without
// keeping it: answer.go reads it as it comes, whoever reads it
// from the socket (Probe a goroutine with or without TLS, Talk a flow.Engine).
// HTTP/2 is package h2's; second.go hands its answers to the same judge.
//
// Which URL is asked when is decided by package check.
package http

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/h2"
	"github.com/holdfast-ha/holdfast/internal/probe/secure"
)

// Config says what to ask and what to expect. Names in brackets are the
// keywords of keepalived.conf(5).
type Config struct {
	To       probe.Endpoint
	TLS      *secure.Config // SSL_GET; nil = plain
	Protocol string         // "1.0" (default), "1.0C", "1.1", "h2" [http_protocol]
	Path     string         // [path]; empty = "/"
	Host     string         // [virtualhost]; empty = the address
	Want     Want
}

// Probe asks for one URL. It is safe for concurrent use.
type Probe struct {
	To      probe.Endpoint
	tls     *secure.Client // nil: plain
	request []byte
	second  *h2.Request // over HTTP/2; nil: request
	want    *expected
}

// New makes a Probe; the error is that of the regular expression.
func New(c Config) (*Probe, error) {
	want, err := c.Want.compile()
	if err != nil {
		return nil, err
	}
	p := &Probe{To: c.To, request: request(c), want: want}
	if c.Protocol == "h2" {
		p.second = second(c)
	}
	if c.TLS != nil {
		over := *c.TLS
		if p.second != nil {
			over.Protocols = []string{"h2"}
		}
		p.tls = secure.New(over)
	}
	return p, nil
}

// target is the path, and whom to ask for.
func (c *Config) target() (path, host string) {
	return cmp.Or(c.Path, "/"), cmp.Or(c.Host, c.To.Addr.String())
}

// request is what keepalived sends, so that servers which look at the request
// see no difference.
func request(c Config) []byte {
	path, host := c.target()
	var b strings.Builder
	version, closing := "1.0", false
	switch c.Protocol {
	case "1.0C", "1.0c":
		closing = true
	case "1.1":
		version, closing = "1.1", true
	}
	fmt.Fprintf(&b, "GET %s HTTP/%s\r\nUser-Agent: KeepAliveClient\r\n", path, version)
	if closing {
		b.WriteString("Connection: close\r\n")
	}
	fmt.Fprintf(&b, "Host: %s\r\n\r\n", host)
	return []byte(b.String())
}

// OnLoop reports whether Talk suits a loop: there is no TLS, and no regular
// expression to keep others waiting.
func (p *Probe) OnLoop() bool { return p.tls == nil && p.second == nil && p.want.match == nil }

// Probe makes one attempt.
func (p *Probe) Probe(ctx context.Context) probe.Result {
	return probe.Timed(ctx, p.attempt)
}

func (p *Probe) attempt(ctx context.Context) probe.Result {
	return p.To.Converse(ctx, func(raw net.Conn) (probe.Result, func(net.Conn)) {
		eof := false
		r, farewell := p.tls.Talk(ctx, raw, p.To.Patience(), func(conn net.Conn) (r probe.Result) {
			r, eof = p.ask(conn)
			return r
		})
		return r, p.parting(r, eof, farewell)
	})
}

// parting says how a connection is to end. Over HTTP/1 the server was asked to
// end it after its answer; over HTTP/2 it would keep it.
func (p *Probe) parting(r probe.Result, eof, farewell bool) func(net.Conn) {
	switch {
	case eof && !farewell:
		return func(c net.Conn) { _ = c.Close() }
	case farewell, answered(r) && p.second == nil:
		return func(c net.Conn) { p.To.Leave(c, farewell) }
	}
	return probe.Cut
}

// answered: the server has said something, and all or the rest of it is on its
// way.
func answered(r probe.Result) bool { return r.OK || r.Reason == probe.BadAnswer }

// ask sends the request and judges the answer.
func (p *Probe) ask(conn net.Conn) (r probe.Result, eof bool) {
	if p.second != nil {
		return p.askSecond(conn), false
	}
	if _, err := conn.Write(p.request); err != nil {
		return p.broken("send the request", err), false
	}
	return p.read(conn)
}

// read takes the answer in until it is judged, and reports whether the peer
// has closed its side.
func (p *Probe) read(conn net.Conn) (r probe.Result, eof bool) {
	a := answer{want: p.want}
	buf := make([]byte, 16<<10)
	for {
		n, err := conn.Read(buf)
		if r, done := a.feed(buf[:n]); done {
			return r, errors.Is(err, io.EOF)
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return a.end(), true
		default:
			return p.broken("read the answer", err), false
		}
	}
}

// broken is the result of an error within the conversation.
func (p *Probe) broken(doing string, err error) probe.Result {
	r := probe.Failed(err)
	switch r.Reason {
	case probe.Timeout:
		r.Detail = fmt.Sprintf("no complete answer within %v", p.To.Patience())
	case probe.Local:
		r.Reason, r.Detail = probe.BadAnswer, doing+": "+err.Error()
		if p.tls != nil {
			r.Reason = probe.TLS
		}
	}
	return r
}
