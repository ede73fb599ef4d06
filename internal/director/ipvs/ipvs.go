// Package ipvs is the director that programs the kernel's IPVS over generic
// netlink: a thin client of its own, since the ready-made ones have neither
// batches nor 64-bit counters.
//
// It knows the table that it wrote and reads the kernel's only when it must:
// at start, and after the kernel disagreed. What ought to be there it is told;
// which difference that makes is director.Book. The firewall's marks, by which
// one service serves many addresses, change between what is added and what is
// removed (marks.go).
package ipvs

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// Director owns the services of the kernel whose keys it was once told, and
// touches no others. Only one goroutine uses it.
type Director struct {
	kernel kernel
	family uint16
	seq    uint32
	batch  batch

	book director.Book // of the services that are ours
	// stale: the kernel must be read again before the book is believed.
	stale bool
	audit audit
	marks marks
	found []dest        // scratch
	ops   []director.Op // scratch
	// undone are the steps of Sets that undid what others did.
	undone []director.Op

	in      Place
	expiry  switches // on_down expire
	hearing switches // check_path vip
	notes   Notes    // of both; nil: none
	unread  error    // why those of a predecessor are not known, until told
}

var (
	_ director.Director      = (*Director)(nil)
	_ director.Counter       = (*Director)(nil)
	_ director.Flusher       = (*Director)(nil)
	_ director.TimeoutSetter = (*Director)(nil)
	_ director.Auditor       = (*Director)(nil)
	_ director.Marker        = (*Director)(nil)
	_ director.Expirer       = (*Director)(nil)
	_ director.Hearer        = (*Director)(nil)
)

// Open returns the director, or a *director.Unsupported that says what is
// missing: the kernel's module (which it tries to load), or the privilege. The
// firewall is for Mark.
func Open(f Firewall, in Place, n Notes) (director.Director, error) {
	s, family, err := dial(in)
	if err != nil {
		return nil, err
	}
	d := open(s, family)
	d.in = in
	d.marks.firewall = f
	if _, err := d.Version(); err != nil {
		if errors.Is(err, syscall.EPERM) {
			err = unsupported("the capability CAP_NET_ADMIN", "run as root, or lvs_director proxy", err)
		}
		return nil, errors.Join(err, s.close())
	}
	d.notes = n
	d.unread = d.recall()
	return d, nil
}

func open(k kernel, family uint16) *Director {
	return &Director{kernel: k, family: family, batch: batch{family: family}, book: director.Book{Kernel: true}, stale: true,
		ops: make([]director.Op, 0, someOps)}
}

// Name is "ipvs".
func (d *Director) Name() string { return "ipvs" }

// someOps is how many steps a change mostly has at most.
const someOps = 16

// maxRounds bounds how often one Set reads the kernel's table again because
// somebody else changed it under our hands.
const maxRounds = 3

// Set writes what is to become different, and what is still due from before. A
// service that is there already under a key of ours is taken over as it is and
// changed to what is wanted.
func (d *Director) Set(ctx context.Context, delta lvs.Delta) (director.Changes, error) {
	var changes director.Changes
	d.audit.heard(delta)
	d.book.Take(delta)
	err := d.bring(ctx, changes.Count)
	return changes, err
}

// bring brings the table to what is wanted and tells each step that was taken.
// Steps of which only a later round knows undo what others did.
func (d *Director) bring(ctx context.Context, done func(director.Op)) error {
	var planned map[step]bool
	tell := func(op director.Op) {
		if planned != nil && !planned[stepOf(op)] {
			d.undone = append(d.undone, op)
		}
		done(op)
	}
	for round := 1; ; round++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if d.stale {
			if err := d.refresh(ctx); err != nil {
				return err
			}
		}
		r := run{d: d, ctx: ctx, done: tell}
		if err := r.write(d.book.Steps()); err != nil {
			d.book.Partly(r.wrote, r.places)
			d.stale = true
			return err
		}
		again := round < maxRounds && (r.gone || surprised(r.failed))
		if again && planned == nil {
			planned = steps(d.book.Steps())
		}
		if len(r.failed) == 0 {
			d.book.Done()
		} else {
			d.book.Partly(r.wrote, r.places)
		}
		switch {
		case again:
			d.stale = true
		case len(r.failed) > 0:
			return failures(r.failed)
		default:
			return r.markErr
		}
	}
}

// refresh reads the kernel's services that are ours or are to be ours.
func (d *Director) refresh(ctx context.Context) error {
	services, err := d.services(d.book.Knows)
	if err != nil {
		return err
	}
	for i := range services {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.look(&services[i]); err != nil {
			return err
		}
	}
	d.missed(services)
	d.audit = audit{} // this was one
	d.stale = false
	return nil
}

// with is a service with its servers.
func (s *service) with(dests []dest) lvs.Service {
	s.svc.Servers = make(map[lvs.ServerKey]lvs.Server, len(dests))
	for k := range dests {
		s.svc.Servers[dests[k].key] = dests[k].server
	}
	return s.svc
}

// ours reports whether a service is.
func (d *Director) ours(k lvs.ServiceKey) bool { _, ours := d.book.Have()[k]; return ours }

// Read returns our services as they are in the kernel.
func (d *Director) Read(context.Context) (lvs.Table, error) { return d.readWhere(d.ours) }

// ReadAll returns every service of the kernel, also those of others.
func (d *Director) ReadAll(context.Context) (lvs.Table, error) {
	return d.readWhere(func(lvs.ServiceKey) bool { return true })
}

// readWhere reads services.
func (d *Director) readWhere(which func(lvs.ServiceKey) bool) (lvs.Table, error) {
	services, err := d.services(which)
	if err != nil {
		return nil, err
	}
	t := make(lvs.Table, len(services))
	for i := range services {
		s := &services[i]
		dests, err := d.dests(s.key)
		if err != nil {
			return nil, err
		}
		t[s.key] = s.with(dests)
	}
	return t, nil
}

// sameServers: the kernel has no server twice.
func sameServers(want map[lvs.ServerKey]lvs.Server, have []dest) bool {
	for i := range have {
		if w, ok := want[have[i].key]; !ok || w != have[i].server {
			return false
		}
	}
	return len(want) == len(have)
}

// Counters returns the kernel's figures of our services.
func (d *Director) Counters(context.Context) (map[lvs.ServiceKey]director.ServiceCounters, error) {
	services, err := d.services(d.ours)
	if err != nil {
		return nil, err
	}
	out := make(map[lvs.ServiceKey]director.ServiceCounters, len(services))
	for _, s := range services {
		dests, err := d.dests(s.key)
		if err != nil {
			return nil, err
		}
		c := director.ServiceCounters{Counters: s.counters, Servers: make(map[lvs.ServerKey]director.Counters, len(dests))}
		for _, r := range dests {
			c.Servers[r.key] = r.counters
		}
		out[s.key] = c
	}
	return out, nil
}

func (d *Director) services(ours func(lvs.ServiceKey) bool) ([]service, error) {
	out := make([]service, 0, len(d.book.Have()))
	err := d.ask(cmdGetService, flagDump, nil, func(b []byte) error {
		s, err := parseService(b)
		if err == nil && ours(s.key) {
			out = append(out, s)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the services of IPVS: %w", err)
	}
	return out, nil
}

// dests returns no servers for a service that has gone meanwhile. The slice is
// good until the next call.
func (d *Director) dests(key lvs.ServiceKey) ([]dest, error) {
	out := d.found[:0]
	body := func(b *batch) {
		end := b.nest(attrService)
		b.key(key)
		end()
	}
	err := d.ask(cmdGetDest, flagDump, body, func(b []byte) error {
		r, err := parseDest(b, key.Family)
		if err == nil {
			out = append(out, r)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the real servers of %s: %w", director.ServiceName(key), err)
	}
	d.found = out
	return out, nil
}

// ask sends one message and hands each answer on.
func (d *Director) ask(cmd uint8, flags uint16, body func(*batch), each func([]byte) error) error {
	d.seq++
	d.batch.reset()
	d.batch.message(cmd, flags, d.seq)
	if body != nil {
		body(&d.batch)
	}
	d.batch.finish()
	return d.kernel.read(&d.batch, d.seq, each)
}

// Flush empties the kernel's table, others' services included.
func (d *Director) Flush(context.Context) error {
	d.book.Missed(func(lvs.ServiceKey) bool { return false })
	d.stale = true
	if err := d.ask(cmdFlush, flagAck, nil, nil); err != nil {
		return fmt.Errorf("flush IPVS: %w", err)
	}
	return nil
}

// SetTimeouts sets the kernel's idle times of connections.
func (d *Director) SetTimeouts(_ context.Context, t director.Timeouts) error {
	body := func(b *batch) {
		b.attr32(attrTimeoutTCP, uint32(t.TCP/time.Second))
		b.attr32(attrTimeoutTCPFin, uint32(t.TCPFin/time.Second))
		b.attr32(attrTimeoutUDP, uint32(t.UDP/time.Second))
	}
	if err := d.ask(cmdSetConfig, flagAck, body, nil); err != nil {
		return fmt.Errorf("set the timeouts of IPVS to %v %v %v: %w", t.TCP, t.TCPFin, t.UDP, err)
	}
	return nil
}

// Timeouts returns the kernel's idle times of connections.
func (d *Director) Timeouts(context.Context) (director.Timeouts, error) {
	var t director.Timeouts
	err := d.ask(cmdGetConfig, 0, nil, func(b []byte) (err error) { t, err = parseTimeouts(b); return })
	if err != nil {
		return t, fmt.Errorf("read the timeouts of IPVS: %w", err)
	}
	return t, nil
}

// Version returns the version of IPVS ("1.2.1").
func (d *Director) Version() (string, error) {
	var v uint32
	err := d.ask(cmdGetInfo, 0, nil, func(b []byte) (err error) { v, err = parseVersion(b); return })
	if err != nil {
		return "", fmt.Errorf("ask IPVS for its version: %w", err)
	}
	return fmt.Sprintf("%d.%d.%d", v>>16, v>>8&0xff, v&0xff), nil
}

// Close removes our services, unless keep, and closes the socket.
func (d *Director) Close(ctx context.Context, keep bool) error {
	var err, markErr error
	if !keep {
		markErr = d.marks.remove()
		_, err = d.Set(ctx, lvs.Delta{All: true})
	}
	if !keep {
		_, back := d.SetExpiry(false)
		_, deaf := d.SetHearing(nil)
		err = errors.Join(err, back, deaf)
	}
	return errors.Join(err, markErr, d.kernel.close())
}
