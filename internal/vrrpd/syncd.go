package vrrpd

import (
	"log/slog"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director/ipvs"
	"github.com/holdfast-ha/holdfast/internal/kernel/netns"
)

// syncRetry is how long to wait after the kernel refused a sync daemon.
const syncRetry = 5 * time.Second

// syncWant is which of the kernel's sync daemons are to run.
type syncWant struct {
	roles     [2]bool // as syncRoles
	daemon    ipvs.SyncDaemon
	namespace string // of IPVS, netns.Do's
}

var syncRoles = [2]ipvs.Role{ipvs.Receiver, ipvs.Sender}

// syncd has a goroutine that brings the kernel's sync daemons to what is
// wanted (lvs_sync_daemon): starting one makes threads, and the loop waits
// for nobody.
type syncd struct {
	wanted syncWant
	mail   chan syncWant // capacity 1: the newest; nil: no goroutine yet
}

// syncWanted computes it from the configuration and the state of the instance.
func (d *daemon) syncWanted() (w syncWant) {
	w.namespace = d.cfg.SyncNamespace
	c := d.cfg.Sync
	if c == nil || d.stopping {
		return w
	}
	w.daemon = ipvs.SyncDaemon{
		Interface: c.Interface, ID: uint8(max(c.ID, 0)), MaxLen: c.MaxLen, Port: c.Port, TTL: c.TTL, Group: c.Group, // 0 to 255
	}
	if c.Instance == "" {
		w.roles = [2]bool{true, true}
		return w
	}
	i := slices.IndexFunc(d.edges, func(e *edge) bool { return e.Name == c.Instance })
	if i < 0 {
		return syncWant{namespace: w.namespace}
	}
	active := d.edges[i].active
	w.roles = [2]bool{!active, active}
	return w
}

// synchronize hands a change on.
func (d *daemon) synchronize() {
	w, s := d.syncWanted(), &d.syncd
	if w == s.wanted || d.loop == nil {
		return
	}
	s.wanted = w
	if s.mail == nil {
		s.mail = make(chan syncWant, 1)
		d.hands.Go(func() { d.serveSync(s.mail) })
	}
	select {
	case <-s.mail:
	default:
	}
	s.mail <- w
}

// endSync stops what runs and waits for it with the other hands.
func (d *daemon) endSync() {
	if d.syncd.mail == nil {
		return
	}
	d.synchronize() // nothing is wanted any more
	close(d.syncd.mail)
}

// serveSync runs beside the loop.
func (d *daemon) serveSync(mail <-chan syncWant) {
	var want, have syncWant
	var retry <-chan time.Time
	known := false // what there is
	told := ""
	for open := true; open; {
		var next syncWant
		select {
		case next, open = <-mail:
			if open {
				want = next
			}
		case <-retry:
		}
		if have == want && known {
			continue
		}
		err := bringSync(&have, want, known)
		retry, known = nil, err == nil
		switch {
		case err != nil:
			retry = time.After(syncRetry)
			if told != err.Error() {
				told = err.Error()
				d.post(func() { d.sayf(slog.LevelError, kindProcess, "", "%v; tried again every %v", err, syncRetry) })
			}
		default:
			told = ""
			d.post(func() { d.tellSync(want) })
		}
	}
}

func (d *daemon) tellSync(w syncWant) {
	for i, r := range syncRoles {
		if w.roles[i] {
			d.sayf(slog.LevelInfo, kindProcess, "", "IPVS sync daemon runs as %v on %s, id %d", r, w.daemon.Interface, w.daemon.ID)
		}
	}
}

// bringSync stops what is not wanted and then starts what is. Where it is not
// known what there is, all that is there is stopped.
func bringSync(have *syncWant, want syncWant, known bool) error {
	if known && have.namespace != want.namespace && have.roles != [2]bool{} {
		if err := bringSync(have, syncWant{namespace: have.namespace}, true); err != nil {
			return err
		}
	}
	have.namespace = want.namespace
	s, err := ipvs.OpenSync(func(do func() error) error { return netns.Do(want.namespace, do) })
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // nothing was written that could be lost
	for i, r := range syncRoles {
		if known && want.roles[i] == have.roles[i] && want.daemon == have.daemon {
			continue
		}
		if have.roles[i] || !known {
			if err := s.Stop(r); err != nil {
				return err
			}
			have.roles[i] = false
		}
	}
	for i, r := range syncRoles {
		if want.roles[i] && !have.roles[i] {
			if err := s.Start(r, want.daemon); err != nil {
				return err
			}
			have.roles[i] = true
		}
	}
	have.daemon = want.daemon
	return nil
}
