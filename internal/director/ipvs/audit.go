package ipvs

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// auditPart is how many services one part of an audit reads: some milliseconds
// at most, which is what a change may have to wait.
const auditPart = 64

// audit is a reading of our services that is under way.
type audit struct {
	rest []service               // not looked into yet
	told map[lvs.ServiceKey]bool // of those, what was changed meanwhile
}

// heard notes what changes while an audit is under way.
func (a *audit) heard(d lvs.Delta) {
	switch {
	case len(a.rest) == 0:
	case d.All:
		a.rest = nil
	default:
		for key := range d.Services {
			a.told[director.Canonical(key)] = true
		}
	}
}

// Audit reads a part of the services that are ours or are to be, and writes the
// difference; over: it was the last part. One that is called off leaves the book
// as good as it was: the end does not wait for a table to be read, and reads it
// no second time.
func (d *Director) Audit(ctx context.Context) (done []director.Op, over bool, err error) {
	note := func(op director.Op) { done = append(done, op) }
	before := len(d.undone)
	defer func() { d.undone = d.undone[:before] }() // they are in done
	var markErr error
	if len(d.audit.rest) == 0 {
		var doubt bool
		if doubt, markErr = d.marks.audit(); doubt {
			note(director.Op{Verb: director.MarkPackets})
		}
		err = d.beginAudit()
	}
	if err == nil {
		err = d.auditPart(ctx)
	}
	switch {
	case errors.Is(err, context.Canceled):
	case err != nil:
		d.stale = true
	default:
		err = d.bring(ctx, note)
	}
	if err != nil {
		d.audit = audit{}
	}
	return done, len(d.audit.rest) == 0, errors.Join(markErr, err)
}

// beginAudit finds out which services are there.
func (d *Director) beginAudit() error {
	if d.stale { // all is read in any case
		return nil
	}
	services, err := d.services(d.book.Knows)
	if err != nil {
		return err
	}
	d.audit = audit{services, map[lvs.ServiceKey]bool{}}
	d.missed(services)
	return nil
}

// auditPart looks into the next services.
func (d *Director) auditPart(ctx context.Context) error {
	a := &d.audit
	for range min(auditPart, len(a.rest)) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		s := &a.rest[0]
		if a.told[s.key] { // what was read of it is old
			now, ours := d.book.Have()[s.key]
			if !ours {
				a.rest = a.rest[1:]
				continue
			}
			s.svc = now
		}
		if err := d.look(s); err != nil {
			return err
		}
		a.rest = a.rest[1:]
	}
	return nil
}

// look reads the servers of a service. One that is as it should be costs no
// second table.
func (d *Director) look(s *service) error {
	dests, err := d.dests(s.key)
	if err != nil {
		return err
	}
	want, wanted := d.book.Want(s.key)
	if wanted && director.SameService(s.svc, want) && sameServers(want.Servers, dests) {
		d.book.Saw(s.key, want)
	} else {
		d.book.Found(s.key, s.with(dests))
	}
	return nil
}

// missed notes which services are not there.
func (d *Director) missed(services []service) {
	there := make(map[lvs.ServiceKey]bool, len(services))
	for i := range services {
		there[services[i].key] = true
	}
	d.book.Missed(func(k lvs.ServiceKey) bool { return there[k] })
}
