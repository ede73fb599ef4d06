// Package proxy is the checker's end of the embedded director: it tells the
// data path, a child process of its own (package proxyd), which services are
// wanted, and tells it again whenever either of the two was started anew.
//
// It spreads no connection itself. How the two find each other is in
// socket.go, what they say in protocol.go.
package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

const (
	// answerTimeout bounds the wait for the data path, which may just be
	// starting anew.
	answerTimeout = 10 * time.Second
	// retryMin and retryMax bound the pause between attempts to connect.
	retryMin = 50 * time.Millisecond
	retryMax = 2 * time.Second
)

// Director is the checker's end. Only one goroutine uses it.
type Director struct {
	calls chan call // unbuffered: taken by the link at once, or never
	stop  context.CancelFunc
	ended chan struct{}
	due   lvs.Delta // canonical; what the link has not taken yet
}

var (
	_ director.Director = (*Director)(nil)
	_ director.Counter  = (*Director)(nil)

	_ director.TimeoutSetter = (*Director)(nil)
	_ director.Limiter       = (*Director)(nil)
)

// call is a request on its way; answer has room for one.
type call struct {
	kind   ipc.Kind
	delta  lvs.Delta // of KindSet; canonical
	body   any       // of a setting: KindTimeouts, KindLimit
	last   bool      // Close: done as well if the data path has gone, and its services with it
	answer chan result
}

type result struct {
	body json.RawMessage
	err  error
}

// errClosed is what is left to say after Close.
var errClosed = errors.New("the director is closed")

// Open returns the director for the data path at addr (ipc.BootInfo.ProxyAddr).
// The data path need not be there yet.
func Open(addr string) *Director {
	ctx, cancel := context.WithCancel(context.Background())
	d := &Director{calls: make(chan call), stop: cancel, ended: make(chan struct{})}
	l := &link{addr: addr, calls: d.calls, pause: retryMin}
	go func() {
		defer close(d.ended)
		l.run(ctx)
	}()
	return d
}

// Name is "proxy".
func (d *Director) Name() string { return "proxy" }

// Set tells the data path. If that cannot be reached, the change is told as soon
// as it can, and the error says so.
func (d *Director) Set(ctx context.Context, delta lvs.Delta) (director.Changes, error) {
	return d.set(ctx, delta, false)
}

func (d *Director) set(ctx context.Context, delta lvs.Delta, last bool) (director.Changes, error) {
	var changes director.Changes
	d.due.Merge(director.CanonicalDelta(delta))
	body, err := d.do(ctx, call{kind: KindSet, delta: d.due, last: last})
	if len(body) > 0 {
		if e := json.Unmarshal(body, &changes); e != nil {
			err = errors.Join(err, e)
		}
	}
	return changes, err
}

// SetTimeouts tells the data path after which silence a UDP session ends; the
// other two are of the kernel's connection table, where a proxy has sockets. A
// data path that is not there is told when it comes.
func (d *Director) SetTimeouts(ctx context.Context, t director.Timeouts) error {
	_, err := d.do(ctx, call{kind: KindTimeouts, body: t})
	return err
}

// SetLimit tells the data path how many connections it may hold; one that is not
// there is told when it comes.
func (d *Director) SetLimit(ctx context.Context, connections int) error {
	_, err := d.do(ctx, call{kind: KindLimit, body: connections})
	return err
}

// Read returns the services that are really offered.
func (d *Director) Read(ctx context.Context) (lvs.Table, error) {
	body, err := d.do(ctx, call{kind: KindRead})
	if err != nil {
		return nil, err
	}
	var services []Service
	if err := json.Unmarshal(body, &services); err != nil {
		return nil, fmt.Errorf("read the proxy's table: %w", err)
	}
	return Decode(services), nil
}

// Counters returns the data path's figures.
func (d *Director) Counters(ctx context.Context) (map[lvs.ServiceKey]director.ServiceCounters, error) {
	body, err := d.do(ctx, call{kind: KindCounters})
	if err != nil {
		return nil, err
	}
	return DecodeCounters(body)
}

// Close removes our services, unless keep, and ends the connection. Services
// that are kept last as long as the data path; when that has gone, as at a
// common end, there is nothing to wait for.
func (d *Director) Close(ctx context.Context, keep bool) error {
	var err error
	if !keep {
		_, err = d.set(ctx, lvs.Delta{All: true}, true)
	}
	d.stop()
	<-d.ended
	return err
}

func (d *Director) do(ctx context.Context, c call) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	c.answer = make(chan result, 1)
	select {
	case d.calls <- c:
		if c.kind == KindSet {
			d.due = lvs.Delta{}
		}
	case <-d.ended:
		return nil, errClosed
	case <-ctx.Done():
		return nil, fmt.Errorf("the proxy does not answer: %w", ctx.Err())
	}
	select {
	case r := <-c.answer:
		return r.body, r.err
	case <-d.ended:
		return nil, errClosed
	case <-ctx.Done():
		return nil, fmt.Errorf("the proxy does not answer: %w", ctx.Err())
	}
}
