package ipc

import (
	"sync"
	"time"
)

// MaxFed is how many messages wait for a Feeder's peer.
const MaxFed = 1024

// Feeder sends messages from a goroutine of its own, so that a loop that has
// news neither encodes them nor waits for whoever is to hear them. If more than
// MaxFed wait, all of them are dropped, and the loop is asked to say anew how
// things are.
type Feeder struct {
	conn  *Conn
	anew  func() bool
	wake  chan struct{} // capacity 1
	ended chan struct{}

	mu     sync.Mutex // held for moments only
	queue  []parcel
	lost   bool
	closed bool
}

type parcel struct {
	m    Message
	body any
}

// NewFeeder sends on c, on which nobody else sends from now on. anew is called
// from the feeder's goroutine after messages were dropped, once what is left
// has been sent; it must not wait, and reports whether the loop will hear of it.
func NewFeeder(c *Conn, anew func() bool) *Feeder {
	f := &Feeder{conn: c, anew: anew, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go f.run()
	return f
}

// Put has a message sent, as SendLarge does, with body, which nobody changes any more, for its
// Body; a func() any is called for it in the feeder's goroutine. It never waits;
// a nil Feeder drops everything.
func (f *Feeder) Put(m Message, body any) {
	if f == nil {
		return
	}
	f.mu.Lock()
	if len(f.queue) >= MaxFed {
		f.queue, f.lost = nil, true
	}
	if !f.closed {
		f.queue = append(f.queue, parcel{m, body})
	}
	f.mu.Unlock()
	f.nudge()
}

func (f *Feeder) nudge() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *Feeder) run() {
	defer close(f.ended)
	for range f.wake {
		queue, lost, closed := f.take()
		for _, p := range queue {
			if later, ok := p.body.(func() any); ok {
				p.body = later()
			}
			p.m.Body = Marshal(p.body)
			if f.conn.SendLarge(p.m) != nil {
				break // it has gone, and who reads on its behalf will notice
			}
			f.conn.Flush()
		}
		if lost && !closed && !f.anew() {
			f.mu.Lock()
			f.lost = true // with the next message, then
			f.mu.Unlock()
		}
		if closed {
			return
		}
	}
}

func (f *Feeder) take() (queue []parcel, lost, closed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	queue, lost, closed = f.queue, f.lost, f.closed
	f.queue, f.lost = nil, false
	return queue, lost, closed
}

// Close sends what waits, for at most patience, and closes the connection.
func (f *Feeder) Close(patience time.Duration) {
	if f == nil {
		return
	}
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.nudge()
	hurry := time.AfterFunc(patience, func() { _ = f.conn.Close() })
	<-f.ended
	hurry.Stop()
	_ = f.conn.Close()
}
