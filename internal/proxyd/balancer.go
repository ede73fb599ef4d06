// Package proxyd is the data path of the embedded director: it listens on the
// virtual addresses and spreads TCP connections and UDP sessions over the real
// servers, in user space, without a kernel module and without root.
//
// It is a process of its own, so that connections outlive a dead checker as
// they do with IPVS. What to offer comes from the checker (director/proxy);
// whether a real server is well is not its business. The parts: run.go the
// child, control.go the checker's requests, balancer.go the services; tcp.go,
// engine.go, conn.go and relay.go TCP, udp.go UDP, dial.go the way to a server;
// service.go and memory.go the choice, which package lvs/sched makes.
//
// A real server of weight 0 gets nothing new and keeps what it has. One that
// is removed keeps its TCP connections until they end by themselves (IPVS
// would drop their packets without a word); UDP sessions, which never end while
// a client goes on asking, move to another server with the next datagram.
// One that failed where the checker wants that (on_down reset) has its TCP
// connections reset on both sides.
// A service that is removed takes no new connections; those that it has go on.
package proxyd

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
	"github.com/holdfast-ha/holdfast/internal/lvs/sched"
)

const (
	// maxConnections bounds the TCP connections of all services, and so many
	// there are at most where nothing else is wanted; beyond it clients wait in
	// the kernel's backlog.
	maxConnections     = conf.MaxProxyConnections
	defaultConnections = conf.DefaultProxyConnections
	// maxSessions bounds the UDP sessions of all services; beyond it the one
	// that was silent for longest ends.
	maxSessions = conf.MaxProxySessions
	// maxPipes bounds the streams that are spliced at the same time; beyond it
	// they are copied.
	maxPipes = 1024
	// spareFiles are descriptors for everything else: listeners, the log.
	spareFiles = 8192
	// maxErrors bounds how many errors are spelled out at once.
	maxErrors = 20
)

// Notice is told what an operator should know about a service.
type Notice func(key lvs.ServiceKey, level slog.Level, what string)

// Balancer offers services. Change, Read, Counters and Close belong to one
// goroutine; the traffic has its own.
type Balancer struct {
	services map[lvs.ServiceKey]*offered
	conns    *engine
	sessions *budget
	kept     *keeper
	limit    limits
	said     bool         // that all connections are in use
	told     bool         // that the limit is lower than wanted
	udpIdle  atomic.Int64 // nanoseconds
	now      func() time.Time
	notice   Notice
}

// offered is a service that is wanted; without a front it could not listen,
// and Retry tries again.
type offered struct {
	pool  *pool
	front front
	err   error
}

// front takes traffic until it is closed.
type front interface {
	socket() int
	close()
}

// NewBalancer returns a balancer without services.
func NewBalancer(notice Notice) *Balancer {
	most := share(defaultConnections)
	b := &Balancer{
		services: map[lvs.ServiceKey]*offered{}, limit: most,
		conns: newEngine(most.conns, most.pipes), sessions: newBudget(most.sessions), kept: &keeper{},
		now: time.Now, notice: notice,
	}
	b.udpIdle.Store(int64(defaultUDPIdle))
	return b
}

// SetTimeouts sets after which silence a UDP session ends, 0 leaves it.
func (b *Balancer) SetTimeouts(t director.Timeouts) {
	if t.UDP > 0 {
		b.udpIdle.Store(int64(t.UDP))
	}
}

// Change makes the balancer offer something else, and only what becomes
// different is touched. What cannot be offered is in the error; everything else
// is. All is canonical.
func (b *Balancer) Change(d lvs.Delta) (director.Changes, error) {
	var changes director.Changes
	for _, op := range slices.Collect(director.Steps(b.have(d), d)) {
		changes.Count(op)
		b.apply(op)
	}
	err := b.Retry()
	if d.All && len(b.kept.spare) > 0 {
		names := make(map[string]bool, len(b.services))
		for key := range b.services {
			names[director.ServiceName(key)] = true
		}
		b.kept.dropSpare(func(name string) bool { return names[name] })
	}
	return changes, err
}

// have is what there is of what a change names.
func (b *Balancer) have(d lvs.Delta) lvs.Table {
	if d.All {
		return b.table(func(*offered) bool { return true })
	}
	t := make(lvs.Table, len(d.Services))
	for key, c := range d.Services {
		switch o := b.services[key]; {
		case o == nil:
		case c.Gone:
			t[key] = lvs.Service{}
		case c.Service != nil:
			t[key] = o.pool.table()
		default:
			t[key] = o.pool.some(c.Servers)
		}
	}
	return t
}

func (b *Balancer) apply(op director.Op) {
	o := b.services[op.Service]
	switch op.Verb {
	case director.AddService: // it listens once its servers are there too
		o = &offered{pool: newPool(op.Service, *op.Want, b.now)}
		o.pool.short = &b.conns.short
		b.services[op.Service] = o
		b.sayScheduler(op)
	case director.ChangeService:
		before := o.pool.table().Scheduler
		o.pool.change(*op.Want)
		if err := o.pool.mayDisguise(); err != nil { // it goes on, and its clients are refused
			b.notice(op.Service, slog.LevelError, err.Error())
		}
		if before != op.Want.Scheduler {
			b.sayScheduler(op)
		}
	case director.AddServer, director.ChangeServer:
		if s := o.pool.put(op.Server, op.WantServer); op.WantServer.Reset {
			b.conns.reset(s)
		}
	case director.RemoveServer:
		o.pool.remove(op.Server)
	case director.RemoveService:
		delete(b.services, op.Service)
		if o.front != nil {
			b.shut(op.Service, o.front)
			b.notice(op.Service, slog.LevelInfo, "No longer listening on "+director.ServiceName(op.Service))
		}
	}
}

func (b *Balancer) sayScheduler(op director.Op) {
	if _, known := sched.New(op.Want.Scheduler, op.Want.Flags); !known {
		b.notice(op.Service, slog.LevelWarn, fmt.Sprintf("%s: the proxy has no scheduler %s, using %s",
			director.ServiceName(op.Service), op.Want.Scheduler, sched.Fallback))
	}
}

// Retry listens for the services that do not yet, and returns why some still
// do not. What changed is told.
func (b *Balancer) Retry() error {
	var errs []error
	for key, o := range b.services {
		if o.front != nil {
			continue
		}
		f, err := b.open(o.pool)
		if err != nil {
			errs = append(errs, err)
			if o.err == nil || o.err.Error() != err.Error() {
				b.notice(key, slog.LevelError, err.Error())
			}
			o.err = err
			continue
		}
		o.front, o.err = f, nil
		b.notice(key, slog.LevelInfo, "Listening on "+director.ServiceName(key))
	}
	return joinSome(errs)
}

func (b *Balancer) open(p *pool) (front, error) {
	if err := p.mayDisguise(); err != nil {
		return nil, err
	}
	name := director.ServiceName(p.key)
	fd, inherited := b.kept.take(name)
	if !inherited {
		var err error
		if fd, err = listenOn(p.key); err != nil {
			return nil, err
		}
	}
	f, err := b.attend(fd, p)
	if err != nil {
		b.kept.drop(name)
		return nil, err
	}
	b.kept.keep(name, f.socket())
	return f, nil
}

// attend serves what comes to fd, which is the front's from now on.
func (b *Balancer) attend(fd int, p *pool) (front, error) {
	if p.key.Protocol == lvs.UDP {
		return asFront(newUDPFront(fd, p, b.sessions, &b.udpIdle))
	}
	return asFront(newTCPFront(fd, p, b.conns))
}

// asFront keeps a nil pointer from becoming a front that is not nil.
func asFront[F front](f F, err error) (front, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Read returns the services that are really offered.
func (b *Balancer) Read() lvs.Table {
	return b.table(func(o *offered) bool { return o.front != nil })
}

func (b *Balancer) table(which func(*offered) bool) lvs.Table {
	t := make(lvs.Table, len(b.services))
	for key, o := range b.services {
		if which(o) {
			t[key] = o.pool.table()
		}
	}
	return t
}

// Counters returns the figures of all services.
func (b *Balancer) Counters() map[lvs.ServiceKey]director.ServiceCounters {
	out := make(map[lvs.ServiceKey]director.ServiceCounters, len(b.services))
	for key, o := range b.services {
		out[key] = o.pool.counters()
	}
	return out
}

// Close ends all services and all connections.
func (b *Balancer) Close() {
	for key, o := range b.services {
		if o.front != nil {
			b.shut(key, o.front)
		}
		delete(b.services, key)
	}
	b.conns.close()
}

func (b *Balancer) shut(key lvs.ServiceKey, f front) {
	b.kept.drop(director.ServiceName(key))
	f.close()
}

// joinSome makes one error of many that a person can still read.
func joinSome(errs []error) error {
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	if n := len(errs); n > maxErrors {
		errs = append(errs[:maxErrors:maxErrors], fmt.Errorf("and %d more", n-maxErrors))
	}
	return errors.Join(errs...)
}
