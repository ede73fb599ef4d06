package checkd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/director/ipvs"
	"github.com/holdfast-ha/holdfast/internal/director/none"
	"github.com/holdfast-ha/holdfast/internal/director/proxy"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

const (
	// retryMin and retryMax bound the pause after a table that the director
	// did not take; it doubles each time.
	retryMin = time.Second
	retryMax = 30 * time.Second
	// setPatience bounds one attempt to set the table.
	setPatience = 30 * time.Second
	// closePatience bounds the removal of what is ours at the end.
	closePatience = 5 * time.Second
)

// settle brings the table up to date after what happened in this turn, and
// hands it on if it changed.
func (d *daemon) settle() {
	if len(d.stale) == 0 && !d.changedTable {
		return
	}
	changed := d.changedTable
	d.changedTable = false
	for i, p := range d.stale {
		p.stale = false
		if d.pools[p.plan.ID] == p {
			changed = p.machine.Update(d.table, &d.versions) || changed
		}
		d.stale[i] = nil
	}
	d.stale = d.stale[:0]
	if changed {
		d.writer.set(maps.Clone(d.table))
	}
}

// openDirector opens the one that lvs_director names.
func openDirector(word string, boot *ipc.BootInfo) (dir director.Director, why string, err error) {
	switch word {
	case "none":
		return none.New(), "lvs_director none: nothing is offered, verdicts are only told", nil
	case "ipvs":
		dir, err = ipvs.Open()
		return dir, "lvs_director ipvs", err
	case "proxy":
		return openProxy(boot, "lvs_director proxy")
	case "auto":
		dir, err = ipvs.Open()
		if err == nil {
			return dir, "lvs_director auto, and the kernel has IPVS", nil
		}
		return openProxy(boot, "lvs_director auto, and "+err.Error())
	}
	return nil, "", fmt.Errorf("lvs_director %s: expected auto, ipvs, proxy or none", word)
}

func openProxy(boot *ipc.BootInfo, why string) (director.Director, string, error) {
	if boot.ProxyAddr == "" {
		return nil, "", fmt.Errorf("director proxy (%s): there is no proxy process", why)
	}
	return proxy.Open(boot.ProxyAddr), why, nil
}

// writer tells the director which table is wanted, in a goroutine of its own:
// netlink and the proxy may take their time, the loop may not. The newest
// table replaces one that was not yet begun.
type writer struct {
	daemon *daemon
	dir    director.Director
	mail   chan lvs.Table // capacity 1: the newest table
	first  func()         // called when the first table was tried
	quit   context.CancelFunc
	ended  chan struct{}
}

func (d *daemon) newWriter(dir director.Director, first func()) *writer {
	ctx, cancel := context.WithCancel(context.Background())
	w := &writer{
		daemon: d, dir: dir, first: first, quit: cancel,
		mail: make(chan lvs.Table, 1), ended: make(chan struct{}),
	}
	go w.run(ctx)
	return w
}

// set replaces the wanted table; only the loop calls it.
func (w *writer) set(t lvs.Table) {
	select {
	case <-w.mail:
	default:
	}
	w.mail <- t
}

func (w *writer) run(ctx context.Context) {
	defer close(w.ended)
	var want lvs.Table
	var pause time.Duration
	var told string
	for {
		var retry <-chan time.Time
		if pause > 0 {
			retry = time.After(pause)
		}
		select {
		case <-ctx.Done():
			return
		case want = <-w.mail:
		case <-retry:
		}
		err := w.write(ctx, want)
		if w.first != nil {
			w.first()
			w.first = nil
		}
		switch {
		case err == nil && pause > 0:
			w.tell(slog.LevelInfo, "the director "+w.dir.Name()+" has taken everything now")
			pause, told = 0, ""
		case err == nil:
		case ctx.Err() != nil:
			return
		default:
			pause = min(max(2*pause, retryMin), retryMax)
			if text := err.Error(); text != told {
				told = text
				w.tell(slog.LevelError, fmt.Sprintf("the director %s: %s; the next attempt is in %v at the latest", w.dir.Name(), text, pause))
			}
		}
	}
}

func (w *writer) write(ctx context.Context, want lvs.Table) error {
	ctx, cancel := context.WithTimeout(ctx, setPatience)
	defer cancel()
	began := time.Now()
	changes, err := w.dir.Set(ctx, want)
	if changes != (director.Changes{}) {
		w.tell(slog.LevelDebug, fmt.Sprintf("director %s: %d added, %d changed, %d removed in %v", w.dir.Name(),
			changes.Added, changes.Changed, changes.Removed, time.Since(began).Round(time.Microsecond)))
	}
	return err
}

func (w *writer) tell(level slog.Level, what string) {
	w.daemon.tell(record{level: level, kind: "director", what: what})
}

// close ends the writer and, unless keep, takes our services away.
func (w *writer) close(keep, flush bool) {
	w.quit()
	<-w.ended
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	var err error
	if f, ok := w.dir.(director.Flusher); ok && flush {
		err = f.Flush(ctx)
	}
	if err = errors.Join(err, w.dir.Close(ctx, keep)); err != nil {
		w.tell(slog.LevelError, fmt.Sprintf("close the director %s: %v", w.dir.Name(), err))
	}
}

// prepare does once what global_defs want of the director.
func prepare(dir director.Director, flush bool, t conf.LVSTimeouts) error {
	ctx, cancel := context.WithTimeout(context.Background(), setPatience)
	defer cancel()
	var errs []error
	if f, ok := dir.(director.Flusher); ok && flush {
		errs = append(errs, f.Flush(ctx))
	}
	if s, ok := dir.(director.TimeoutSetter); ok && t != (conf.LVSTimeouts{}) {
		errs = append(errs, s.SetTimeouts(ctx, director.Timeouts(t)))
	}
	return errors.Join(errs...)
}
