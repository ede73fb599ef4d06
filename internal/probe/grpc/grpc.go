// Package grpc is GRPC_CHECK: a server is well when its health service,
// grpc.health.v1.Health, says that it is serving.
//
// The call is one request over HTTP/2, and its two messages have one field
// each; so they are written and read here (message.go) and need no library.
// See the GRPC Health Checking Protocol and PROTOCOL-HTTP2 of gRPC.
package grpc

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/h2"
	"github.com/holdfast-ha/holdfast/internal/probe/secure"
)

// Config says whom to ask.
type Config struct {
	To      probe.Endpoint
	TLS     *secure.Config // nil = plain, HTTP/2 from the first byte
	Host    string         // empty = the address
	Service string         // empty = the server as a whole; at most MaxService bytes
}

// MaxService is the longest name of a service, in bytes.
const MaxService = 1024

// Probe makes one call. It is safe for concurrent use.
type Probe struct {
	cfg     Config
	tls     *secure.Client
	request h2.Request
}

// New makes a Probe.
func New(c Config) (*Probe, error) {
	if len(c.Service) > MaxService {
		return nil, fmt.Errorf("the service's name is longer than %d bytes", MaxService)
	}
	p := &Probe{cfg: c}
	scheme := "http"
	if c.TLS != nil {
		over := *c.TLS
		over.Protocols = []string{"h2"}
		p.tls, scheme = secure.New(over), "https"
	}
	host := c.Host
	if host == "" {
		host = c.To.Addr.String()
	}
	p.request = h2.Request{Body: ask(c.Service), Fields: []h2.Field{
		{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: scheme},
		{Name: ":path", Value: "/grpc.health.v1.Health/Check"}, {Name: ":authority", Value: host},
		{Name: "content-type", Value: "application/grpc"}, {Name: "te", Value: "trailers"},
		{Name: "user-agent", Value: "holdfast"},
	}}
	return p, nil
}

// Probe makes one attempt.
func (p *Probe) Probe(ctx context.Context) probe.Result {
	return probe.Timed(ctx, p.attempt)
}

func (p *Probe) attempt(ctx context.Context) probe.Result {
	return p.cfg.To.Converse(ctx, func(raw net.Conn) (probe.Result, func(net.Conn)) {
		r, _ := p.tls.Talk(ctx, raw, p.cfg.To.Patience(), p.call)
		return r, probe.Cut // the server keeps such connections, and would not close first
	})
}

func (p *Probe) call(conn net.Conn) probe.Result {
	var a answer
	err := h2.Ask(conn, p.request, &a)
	var bad h2.Malformed
	switch {
	case err == nil:
		return a.judge(p.cfg.Service)
	case errors.As(err, &bad), errors.Is(err, h2.ErrIncomplete):
		return probe.Result{Reason: probe.BadAnswer, Detail: err.Error()}
	}
	r := probe.Failed(err)
	switch r.Reason {
	case probe.Timeout:
		r.Detail = fmt.Sprintf("no complete answer within %v", p.cfg.To.Patience())
	case probe.Local:
		r.Reason = probe.BadAnswer
	}
	return r
}
