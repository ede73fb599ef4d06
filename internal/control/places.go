package control

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
)

// places accepts no more than maxConnections clients at once. Who comes when
// all places are taken gets that of the client which has been silent for
// longest: one that stalls keeps nobody out. Who has asked keeps its place.
type places struct {
	net.Listener
	mu    sync.Mutex
	freed *sync.Cond
	taken []*place // the first came first
}

func newPlaces(l net.Listener) *places {
	p := &places{Listener: l}
	p.freed = sync.NewCond(&p.mu)
	return p
}

// Accept waits for a client, and for a place.
func (p *places) Accept() (net.Conn, error) {
	conn, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.taken) >= maxConnections {
		if i := slices.IndexFunc(p.taken, func(c *place) bool { return !c.asked }); i >= 0 {
			_ = p.taken[i].Conn.Close() // net/http finds it closed, and closes it once more
			p.taken = slices.Delete(p.taken, i, i+1)
			continue
		}
		p.freed.Wait()
	}
	c := &place{Conn: conn, of: p}
	p.taken = append(p.taken, c)
	return c, nil
}

// place is a client's.
type place struct {
	net.Conn
	of    *places
	asked bool // a whole question has come
}

// Close gives the place back.
func (c *place) Close() error {
	c.of.mu.Lock()
	c.of.taken = slices.DeleteFunc(c.of.taken, func(other *place) bool { return other == c })
	c.of.mu.Unlock()
	c.of.freed.Signal()
	return c.Conn.Close()
}

// placeKey is under which a request's context has its client's place.
type placeKey struct{}

func remember(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, placeKey{}, c)
}

// idle marks clients who may ask again, after their answer has been written.
func idle(c net.Conn, state http.ConnState) {
	if p, ok := c.(*place); ok && state == http.StateIdle {
		p.set(false)
	}
}

// asked marks clients whose question is being answered.
func asked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(placeKey{}).(*place); ok {
			c.set(true)
		}
		next.ServeHTTP(w, r)
	})
}

func (c *place) set(asked bool) {
	c.of.mu.Lock()
	c.asked = asked
	c.of.mu.Unlock()
}
