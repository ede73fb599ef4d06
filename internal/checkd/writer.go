package checkd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

const (
	// retryMin and retryMax bound the pause after a table that the director
	// did not take; it doubles each time.
	retryMin = time.Second
	retryMax = 30 * time.Second
	// setPatience bounds one attempt to read or set a table that is empty, and
	// closePatience the removal of what is ours at the end; each service and
	// server adds serverPatience, many times what the slowest kernel takes.
	setPatience    = 30 * time.Second
	closePatience  = 5 * time.Second
	serverPatience = 5 * time.Millisecond
	// maxRefusal bounds what the status tells of a refusal, in bytes.
	maxRefusal = 2000
)

// wanted is what becomes different in the table, what the firewall has to mark
// for it, and what the kernel is to forget.
type wanted struct {
	delta   lvs.Delta
	entries int // services and servers that the table may have
	marks   lvs.Marks
	expire  bool // connections to servers that are gone are to be forgotten
	// paths: the services that lead checks through virtual addresses are in it;
	// that it was written is told.
	paths uint64
	hear  []string // interfaces on which answers to checks through virtual addresses come
	settings
}

// settings are what global_defs want of the director; the zero value is what it
// finds right itself.
type settings struct {
	timeouts conf.LVSTimeouts
	limit    int // connections
}

// writer tells the director what becomes different in the table, in a goroutine
// of its own: netlink and the proxy may take their time, the loop may not. What
// comes meanwhile is one change. The table itself is the director's; one that
// others can change is audited now and then.
type writer struct {
	daemon  *daemon
	dir     director.Director
	auditor director.Auditor // dir, if somebody else can change its table
	mail    chan wanted      // capacity 1: all that was not yet begun
	expire  bool             // of the newest; the loop's
	hear    []string         // the same
	set     settings         // of the newest; the loop's
	counted chan struct{}    // capacity 1: count connections now
	doubted chan struct{}    // capacity 1: audit now
	asked   chan chan<- figures
	first   func() // called when the first table was tried
	quit    context.CancelFunc
	ended   chan struct{}

	// Of the goroutine.
	want    wanted
	begun   bool          // the director was told of a table
	entries int           // services and servers, of the largest table so far
	pause   time.Duration // before the next attempt, after a refusal
	told    string        // the last refusal
	has     settings      // the director
	audit   time.Time     // when the next audit is due
	may     time.Time     // when it is due at the earliest
	auditing
	tally tally
	led   uint64 // paths of the last table that was written
}

func (d *daemon) newWriter(dir director.Director, first func()) *writer {
	ctx, cancel := context.WithCancel(context.Background())
	w := &writer{
		daemon: d, dir: dir, first: first, quit: cancel,
		mail: make(chan wanted, 1), counted: make(chan struct{}, 1), doubted: make(chan struct{}, 1), asked: make(chan chan<- figures), ended: make(chan struct{}),
		audit: time.Now().Add(auditInterval), has: settings{limit: -1}, // one that has limits is told of its own, too
	}
	w.auditor, _ = dir.(director.Auditor)
	go w.run(ctx)
	return w
}

// put adds to what waits; only the loop calls it, and what it put is no longer
// its own.
func (w *writer) put(t wanted) {
	select {
	case waits := <-w.mail:
		waits.delta.Merge(t.delta)
		t.delta = waits.delta
	default:
	}
	w.mail <- t
}

// doubt asks for an audit, at once unless audits have taken their share of the
// time; only the loop calls it.
func (w *writer) doubt() {
	select {
	case w.doubted <- struct{}{}:
	default:
	}
}

func (w *writer) run(ctx context.Context) {
	defer close(w.ended)
	timer := time.NewTimer(0) // one for all turns: with many verdicts each would leave its own
	defer timer.Stop()
	for {
		var due <-chan time.Time
		switch {
		case w.pause > 0:
			timer.Reset(w.pause)
			due = timer.C
		case w.begun && w.auditor != nil:
			timer.Reset(time.Until(w.audit))
			due = timer.C
		}
		var err error
		select {
		case <-ctx.Done():
			return
		case w.want = <-w.mail:
			err = w.write(ctx)
		case <-w.counted:
			w.count(ctx)
			continue
		case answer := <-w.asked:
			w.tellFigures(ctx, answer)
			continue
		case <-w.doubted:
			w.audit = w.may
			continue
		case <-due:
			err = w.due(ctx)
		}
		if w.first != nil {
			w.first()
			w.first = nil
		}
		if ctx.Err() == nil {
			w.judge(ctx, err)
		}
	}
}

// due is what the timer was for: another attempt, or an audit.
func (w *writer) due(ctx context.Context) error {
	if w.pause > 0 {
		return w.write(ctx)
	}
	if err := w.newest(ctx); err != nil {
		return err
	}
	return w.putBack(ctx)
}

// newest writes what waits, if anything does: what is wanted goes before
// what others may have changed.
func (w *writer) newest(ctx context.Context) error {
	select {
	case w.want = <-w.mail:
		return w.write(ctx)
	default:
		return nil
	}
}

// judge tells a refusal once, and when it is over.
func (w *writer) judge(ctx context.Context, err error) {
	if err == nil {
		if w.pause > 0 {
			w.tell(slog.LevelInfo, "the director "+w.dir.Name()+" has taken everything now")
		}
		if w.told != "" {
			w.refused(ctx, "")
		}
		w.pause, w.told = 0, ""
		return
	}
	w.pause = min(max(2*w.pause, retryMin), retryMax)
	if text := err.Error(); text != w.told {
		w.told = text
		w.tell(slog.LevelError, fmt.Sprintf("the director %s: %s; the next attempt is in %v at the latest", w.dir.Name(), text, w.pause))
		w.refused(ctx, text)
	}
}

// refused keeps a refusal for the status.
func (w *writer) refused(ctx context.Context, text string) {
	text = strings.ReplaceAll(text, "\n", "; ")
	w.daemon.post(ctx, func() { w.daemon.refused = text[:min(len(text), maxRefusal)] })
}

// patience is how long the director may take for the largest table so far, of
// which it may still have everything; base, if it was empty.
func (w *writer) patience(base time.Duration) time.Duration {
	w.entries = max(w.entries, w.want.entries)
	return base + time.Duration(w.entries)*serverPatience
}

func (w *writer) write(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.patience(setPatience))
	defer cancel()
	if m, ok := w.dir.(director.Marker); ok {
		m.Mark(w.want.marks)
	}
	began := time.Now()
	switches := errors.Join(w.configure(ctx), w.setExpiry(), w.setHearing()) // before a server goes
	changes, err := w.dir.Set(ctx, w.want.delta)
	w.want.delta, w.begun = lvs.Delta{}, true // it is the director's
	if err = errors.Join(err, switches); err == nil && w.want.paths != w.led {
		w.led = w.want.paths
		w.daemon.post(ctx, func() { w.daemon.led(w.want.paths) })
	}
	if changes != (director.Changes{}) {
		w.tell(slog.LevelDebug, fmt.Sprintf("director %s: %d added, %d changed, %d removed in %v", w.dir.Name(),
			changes.Added, changes.Changed, changes.Removed, time.Since(began).Round(time.Microsecond)))
	}
	if w.auditor != nil {
		w.tellUndone(ctx, w.auditor.Undone())
	}
	return err
}

// configure tells the director the settings that it does not have.
func (w *writer) configure(ctx context.Context) error {
	if s, ok := w.dir.(director.TimeoutSetter); ok && w.has.timeouts != w.want.timeouts {
		if err := s.SetTimeouts(ctx, director.Timeouts(w.want.timeouts)); err != nil {
			return err
		}
		w.has.timeouts = w.want.timeouts
	}
	if s, ok := w.dir.(director.Limiter); ok && w.has.limit != w.want.limit {
		if err := s.SetLimit(ctx, w.want.limit); err != nil {
			return err
		}
		w.has.limit = w.want.limit
	}
	return nil
}

// setExpiry has the director forget connections, or not.
func (w *writer) setExpiry() error {
	e, ok := w.dir.(director.Expirer)
	if !ok {
		return nil
	}
	changed, err := e.SetExpiry(w.want.expire)
	for _, c := range changed {
		w.tell(slog.LevelInfo, c+" (on_down)")
	}
	return err
}

// setHearing has the machine hear the answers to checks through virtual
// addresses, or not.
func (w *writer) setHearing() error {
	h, ok := w.dir.(director.Hearer)
	if !ok {
		return nil
	}
	changed, err := h.SetHearing(w.want.hear)
	for _, c := range changed {
		w.tell(slog.LevelInfo, c+" (check_path vip)")
	}
	return err
}

// ask has connections counted soon; only the loop calls it.
func (w *writer) ask() {
	select {
	case w.counted <- struct{}{}:
	default:
	}
}

// count counts the connections of servers, for those that leave.
func (w *writer) count(ctx context.Context) {
	c, ok := w.dir.(director.Counter)
	if !ok || !w.begun || w.pause > 0 {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, w.patience(setPatience))
	defer cancel()
	began := time.Now()
	found, err := c.Counters(bounded)
	took := time.Since(began)
	if err != nil {
		w.tell(slog.LevelWarn, fmt.Sprintf("count the connections of servers that leave: %v", err))
		return
	}
	w.daemon.post(ctx, func() { w.daemon.connections(found, took) })
}

func (w *writer) tell(level slog.Level, what string) {
	w.daemon.tell(record{level: level, kind: "director", what: what})
}

// close ends the writer and, unless keep, takes our services away.
func (w *writer) close(keep, flush bool) {
	w.quit()
	<-w.ended
	ctx, cancel := context.WithTimeout(context.Background(), w.patience(closePatience))
	defer cancel()
	var err error
	if f, ok := w.dir.(director.Flusher); ok && flush {
		err = f.Flush(ctx)
	}
	if err = errors.Join(err, w.dir.Close(ctx, keep)); err != nil {
		w.tell(slog.LevelError, fmt.Sprintf("close the director %s: %v", w.dir.Name(), err))
	}
}
