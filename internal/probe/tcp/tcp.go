// Package tcp is TCP_CHECK: a server is well when it takes a connection.
//
// Where many are made at once, flow.Engine does the same without a goroutine
// for each. Both close with a reset, which leaves no TIME_WAIT; the server
// sees a connection that came and went.
package tcp

import (
	"context"

	"github.com/holdfast-ha/holdfast/internal/probe"
)

// Probe connects to one endpoint.
type Probe struct{ To probe.Endpoint }

// Probe makes one attempt.
func (p *Probe) Probe(ctx context.Context) probe.Result {
	return probe.Timed(ctx, p.attempt)
}

func (p *Probe) attempt(ctx context.Context) probe.Result {
	conn, err := p.To.Dial(ctx)
	if err != nil {
		return probe.Failed(err)
	}
	probe.Cut(conn)
	return probe.Result{OK: true, Reason: probe.OK}
}
