// Package smtp sends alerts by mail (notification_email of
// keepalived.conf(5)), one after the other, beside the loop that has them.
//
// Send never waits: what the server does not take yet waits in a queue of
// bounded length, in order, and is tried again with growing pauses. A server
// that hangs, talks nonsense or is not there costs its own mails only, and what
// is given up is counted and told. Who is told of what, subject and body are
// the caller's; session.go speaks to the server.
package smtp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// MaxQueued is how many mails wait; then the newest are not taken.
	MaxQueued = 1000
	// MaxTries is how often a mail is tried before it is given up.
	MaxTries = 6
	// firstPause is the pause after a first failure; each next one is twice as
	// long, up to maxPause.
	firstPause = time.Second
	maxPause   = 30 * time.Second
)

// Config says where mail goes and whom it is from.
type Config struct {
	To      []string
	From    string
	Server  string // an address or a name, which is looked up at each try
	Port    int
	Helo    string
	Timeout time.Duration // of connecting, and of each answer
	// Dial connects; nil is the system's way.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Mail is one alert. Cause becomes a header, X-Holdfast-Cause; without one
// there is none.
type Mail struct {
	Subject, Body, Cause string
	At                   time.Time
}

// Outcome tells what became of a mail that was not sent at once: Err is why,
// and Dropped that it will not be.
type Outcome struct {
	Mail    Mail
	Tries   int
	Err     error
	Dropped bool
}

// Outlet sends mail. Its methods may be called from any goroutine.
type Outlet struct {
	config  atomic.Pointer[Config]
	told    func(Outcome)
	mails   chan Mail // MaxQueued
	lost    atomic.Uint64
	ctx     context.Context // ends when nothing is to be sent any more
	cancel  context.CancelFunc
	hurry   chan struct{} // closed: no more tries after a failure
	done    chan struct{}
	closing sync.Once
	// mu keeps Send and Close apart.
	mu     sync.RWMutex
	closed bool
}

// New starts an outlet that tells what goes wrong from a goroutine of its own.
func New(c Config, told func(Outcome)) *Outlet {
	o := &Outlet{told: told, mails: make(chan Mail, MaxQueued), hurry: make(chan struct{}), done: make(chan struct{})}
	o.ctx, o.cancel = context.WithCancel(context.Background())
	o.Use(c)
	go o.run()
	return o
}

// lastMails is how long an outlet that nobody wants any more goes on.
const lastMails = 2 * time.Second

// Reopen gives the outlet that a configuration wants: o, which may be nil, or a
// new one, or none if c is nil. One that is not wanted any more sends what it
// has, beside the caller.
func Reopen(o *Outlet, c *Config, told func(Outcome), beside func(func())) *Outlet {
	switch {
	case c == nil && o != nil:
		beside(func() { o.Close(lastMails) })
		return nil
	case c == nil:
		return nil
	case o == nil:
		return New(*c, told)
	}
	o.Use(*c)
	return o
}

// OnHost fills in what a configuration leaves to the system.
func (c Config) OnHost(host string) *Config {
	if c.From == "" {
		c.From = "keepalived@" + host
	}
	if c.Helo == "" {
		c.Helo = host
	}
	return &c
}

// Use makes c hold for mails that are sent from now on.
func (o *Outlet) Use(c Config) { o.config.Store(&c) }

// Send queues a mail and reports whether it was taken.
func (o *Outlet) Send(m Mail) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if !o.closed {
		select {
		case o.mails <- m:
			return true
		default:
		}
	}
	o.lost.Add(1)
	return false
}

// Lost is how many mails were not sent and will not be.
func (o *Outlet) Lost() uint64 { return o.lost.Load() }

// run sends until the queue is closed and empty.
func (o *Outlet) run() {
	defer close(o.done)
	for m := range o.mails {
		o.send(m)
	}
}

// send tries one mail until it is taken, refused for good, or given up.
func (o *Outlet) send(m Mail) {
	pause := firstPause
	for tries := 1; ; tries++ {
		err := o.config.Load().deliver(o.ctx, m)
		if err == nil {
			return
		}
		var refused *Refused
		final := tries == MaxTries || errors.As(err, &refused) && refused.Permanent() || o.ctx.Err() != nil
		if !final {
			o.told(Outcome{Mail: m, Tries: tries, Err: err})
			final = !o.wait(pause)
		}
		if final {
			o.lost.Add(1)
			o.told(Outcome{Mail: m, Tries: tries, Err: err, Dropped: true})
			return
		}
		pause = min(2*pause, maxPause)
	}
}

// wait pauses and reports whether there is time for another try.
func (o *Outlet) wait(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-o.hurry:
		return false
	}
}

// Close takes no more mails, tries each that waits once more for at most so
// long altogether, and reports whether all were dealt with in time.
func (o *Outlet) Close(limit time.Duration) bool {
	inTime := true
	o.closing.Do(func() {
		o.mu.Lock()
		o.closed = true
		close(o.mails)
		o.mu.Unlock()
		close(o.hurry)
		t := time.AfterFunc(limit, o.cancel)
		<-o.done
		inTime = t.Stop()
		o.cancel()
	})
	return inTime
}

// address is where the server is.
func (c *Config) address() string {
	server, port := c.Server, c.Port
	if server == "" {
		server = "127.0.0.1"
	}
	if port == 0 {
		port = 25
	}
	return net.JoinHostPort(server, fmt.Sprint(port))
}
