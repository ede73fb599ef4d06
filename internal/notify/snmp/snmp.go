// Package snmp is an AgentX subagent (RFC 2741): it answers what a master agent
// such as snmpd asks, out of a Tree that somebody else makes, and sends traps.
//
// One goroutine has the session: it dials, opens, registers, answers and pings,
// and after a failure begins anew, each time later. What the master sends is
// bounded and may be anything; nobody waits for it. What there is to tell is
// package mib's, the bytes are wire/agentx's; outletd connects them with the
// other children.
//
// session.go has a session's life, answer.go what is asked, set.go what is to be
// otherwise, dial.go the ways to
// a master.
package snmp

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/holdfast-ha/holdfast/internal/notify/snmp/mib"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// maxTraps is how many traps wait for a master; of more the oldest are lost.
const maxTraps = 1024

// Options say what to serve, and where.
type Options struct {
	// Socket is where the master is, as snmp_socket has it; empty:
	// conf.DefaultAgentX.
	Socket string
	// Roots are the subtrees to register; without any there are only traps.
	Roots []agentx.OID
	Descr string // who we are, for people
	// Tree makes the objects as they are now. It is called from the session's
	// goroutine and may take a moment; nil: there is nothing to be had.
	Tree func() *mib.Tree
	// Set carries a change out, and says why not. It is called from the session's
	// goroutine and may take a moment.
	Set func(c mib.Change) error
	// Told takes what is worth a line in the log; from any goroutine.
	Told func(level slog.Level, what string)
}

// Outlet is a subagent.
type Outlet struct {
	o     Options
	dial  func(ctx context.Context, socket string) (net.Conn, error)
	wake  chan struct{} // capacity 1: there are traps
	stop  chan struct{}
	ended chan struct{}

	mu    sync.Mutex // held for moments only
	traps []mib.Trap
	lost  uint64
	epoch time.Time // when the master's sysUpTime was 0; zero: not known
}

// New begins to look for the master.
func New(o Options) *Outlet { return begin(o, dial) }

func begin(o Options, dial func(context.Context, string) (net.Conn, error)) *Outlet {
	out := &Outlet{o: o, dial: dial, wake: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{})}
	go out.run()
	return out
}

// Trap has a trap sent, as soon as there is a master. It never waits; nil is no
// trap.
func (o *Outlet) Trap(t mib.Trap) {
	if t == nil {
		return
	}
	o.mu.Lock()
	if len(o.traps) == maxTraps {
		o.traps = o.traps[1:]
		o.lost++
	}
	o.traps = append(o.traps, t)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take returns the oldest trap that waits, and how many were lost before.
func (o *Outlet) take() (t mib.Trap, lost uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.traps) > 0 {
		t, o.traps = o.traps[0], o.traps[1:]
	}
	lost, o.lost = o.lost, 0
	return t, lost
}

// Epoch is when the master's sysUpTime was 0; zero: that is not known.
func (o *Outlet) Epoch() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.epoch
}

func (o *Outlet) setEpoch(upTime uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.epoch = time.Now().Add(-time.Duration(upTime) * time.Second / 100)
}

// Close sends what waits, if there is a master, says goodbye and waits for the
// goroutine, at most about farewell.
func (o *Outlet) Close() {
	close(o.stop)
	<-o.ended
}

func (o *Outlet) stopping() bool {
	select {
	case <-o.stop:
		return true
	default:
		return false
	}
}
