package proxyd

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/raw"
	"golang.org/x/sys/unix"
)

const (
	// batch is how many events are taken at once.
	batch = 256
	// unevenness is how many connections more than another a worker may have,
	// beside a quarter, before it gives away what it accepts.
	unevenness = 4
	// dialTick is how often at most connects that take too long are looked for.
	dialTick = 500 * time.Millisecond
	// stint is how long a busy worker goes on before it asks Go's scheduler for
	// its turn. For one that does not within 10 ms (forcePreemptNS of the
	// runtime) the runtime's monitor stays awake: it looks every 20 µs, and takes
	// the processor whenever the worker waits (docs/decisions/0012).
	stint = 8 * time.Millisecond
	// stintEvents is how many events are worth the thread that is woken for it.
	stintEvents = 4
	// wakeEvent is no connection, but a word to the worker, and timerEvent its
	// timer; what is below them is a front.
	wakeEvent  = -1
	timerEvent = -2
)

// engine has all TCP connections, of all services; they outlive the service
// that began them. As many workers as there are processors move bytes, each
// with an epoll of its own, so that an idle connection costs two descriptors
// and a few hundred bytes.
type engine struct {
	place gate        // connections
	full  atomic.Bool // somebody found no place since it was last asked
	pipes slots       // for splice
	short shortage
	width int // how many workers there are to be

	start   sync.Once
	failed  error // of start
	workers []*worker
	next    atomic.Uint32
	running sync.WaitGroup
	fronts  sync.Map // *tcpFront by its number, below timerEvent

	mu     sync.Mutex
	closed bool
	gen    uint32
	notes  ipc.Notes
	// admitted counts fronts, which are numbered anew each.
	admitted int32
	used     uint32   // places of table that were ever taken
	free     []uint32 // those that were given back
	// table finds a connection by the place that its events carry; its pages
	// come with the first connection that needs one.
	table [maxConnections/pageSize + 1]atomic.Pointer[page]
}

// pageSize is how many connections a page of the table has.
const pageSize = 1 << 12

type page [pageSize]atomic.Pointer[conn]

// spot is where a place that was ever taken is in the table.
func (e *engine) spot(place uint32) *atomic.Pointer[conn] {
	return &e.table[place/pageSize].Load()[place%pageSize]
}

func newEngine(limit, pipes int) *engine {
	return &engine{place: gate{limit: limit}, pipes: make(slots, pipes), width: runtime.GOMAXPROCS(0)}
}

// admit lets the workers accept for f.
func (e *engine) admit(f *tcpFront) error {
	e.start.Do(func() { e.failed = e.open() })
	if e.failed != nil {
		return e.failed
	}
	e.mu.Lock()
	e.admitted++
	f.number = timerEvent - e.admitted
	e.mu.Unlock()
	e.fronts.Store(f.number, f)
	if err := f.attend(); err != nil {
		e.fronts.Delete(f.number)
		return err
	}
	return nil
}

// callFor makes a worker accept for f, some time soon.
func (e *engine) callFor(f *tcpFront) {
	w := e.workers[e.next.Add(1)%uint32(len(e.workers))]
	w.mu.Lock()
	w.calls = append(w.calls, f)
	w.mu.Unlock()
	w.rouse()
}

// enroll gives c its place, with the worker that accepted it unless another
// one has clearly less to do; it reports false after close.
func (e *engine) enroll(c *conn, by *worker) bool {
	c.worker = by
	for _, w := range e.workers {
		if n := w.conns.Load(); n+n/4+unevenness < c.worker.conns.Load() {
			c.worker = w
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	if n := len(e.free); n > 0 {
		c.place, e.free = e.free[n-1], e.free[:n-1]
	} else {
		c.place = e.used
		e.used++
	}
	e.gen++
	c.gen = e.gen
	c.worker.conns.Add(1)
	if i := c.place / pageSize; e.table[i].Load() == nil {
		e.table[i].Store(new(page))
	}
	e.spot(c.place).Store(c)
	e.note()
	return true
}

// strike takes c's place back.
func (e *engine) strike(c *conn) {
	c.worker.conns.Add(-1)
	e.spot(c.place).Store(nil)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.free = append(e.free, c.place)
	e.note()
}

// note tells our successor how many there were.
func (e *engine) note() { e.notes.Set(noteConns, uint64(int(e.used)-len(e.free))) }

// open starts the workers.
func (e *engine) open() error {
	for range e.width {
		w := &worker{engine: e, buf: make([]byte, chunk)}
		if err := w.open(); err != nil {
			return err
		}
		e.workers = append(e.workers, w)
		e.running.Go(w.run)
	}
	return nil
}

// all calls f with every connection, locked, that was there when it began.
func (e *engine) all(f func(*conn)) {
	e.mu.Lock()
	used := e.used
	e.mu.Unlock()
	for i := range used {
		if c := e.spot(i).Load(); c != nil {
			c.mu.Lock()
			f(c)
			c.mu.Unlock()
		}
	}
}

// reset ends the connections to a server, with a reset for both sides. Those
// that are just being made go elsewhere.
func (e *engine) reset(to *server) {
	e.all(func(c *conn) {
		switch {
		case c.state == over || c.grip.server != to:
		case c.state == connecting && c.refused(unix.ECONNRESET):
			c.dial()
		default:
			c.end(true)
		}
	})
}

// close ends every connection and the workers.
func (e *engine) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.start.Do(func() { e.failed = unix.ECANCELED }) // there is nobody to stop
	e.all(func(c *conn) { c.end(false) })
	for _, w := range e.workers {
		w.rouse()
	}
	e.running.Wait()
}

// worker moves the bytes of its connections.
type worker struct {
	engine  *engine
	sleeper raw.Sleeper
	epoll   int // of sleeper
	wake    int // eventfd(2)
	timer   int // timerfd(2), for the first of dials
	buf     []byte
	pipes   []*pipe // empty ones
	again   []*conn // those whose turn was over before they were done
	stayed  bool    // others were told that it does not sleep for now

	conns atomic.Int32
	mu    sync.Mutex
	dials []dialing   // in the order of their deadlines
	calls []*tcpFront // that may accept again

	ticking bool // timer is set
}

// dialing is an attempt to connect that must come to its end.
type dialing struct {
	place, gen uint32
	tries      int
	deadline   time.Time
}

func (w *worker) open() (err error) {
	w.wake, w.timer = -1, -1
	if w.epoll, err = w.sleeper.Open(); err != nil {
		return err
	}
	if w.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err == nil {
		err = raw.Watch(w.epoll, unix.EPOLL_CTL_ADD, w.wake, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: wakeEvent})
	}
	if err == nil {
		w.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	}
	if err == nil { // a tick is an event, and needs no read
		err = raw.Watch(w.epoll, unix.EPOLL_CTL_ADD, w.timer, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: timerEvent})
	}
	if err != nil {
		w.shut()
		return fmt.Errorf("make what wakes a worker: %w", err)
	}
	return nil
}

func (w *worker) run() {
	defer w.shut()
	events := make([]unix.EpollEvent, batch)
	busy, began := 0, time.Now() // in this stint
	for n := 0; ; {
		n = w.wait(events, n > 1)
		for i := range n {
			ev := &events[i]
			switch {
			case ev.Fd >= 0:
				if c := w.engine.spot(uint32(ev.Fd) >> 1).Load(); c != nil {
					c.event(int(ev.Fd)&1, uint32(ev.Pad), ev.Events)
				}
			case ev.Fd == timerEvent: // expire comes anyway
				w.ticked()
			case ev.Fd < timerEvent:
				if f, ok := w.engine.fronts.Load(ev.Fd); ok {
					f.(*tcpFront).accept(w)
				}
			case !w.called():
				return
			}
		}
		w.goOn()
		now := time.Now()
		w.expire(now)
		if busy += n; busy >= stintEvents && now.Sub(began) >= stint {
			runtime.Gosched()
			busy, began = 0, now
		}
	}
}

// wait returns how many events there are. A worker that is busy has the next
// ones already, mostly: it looks before it sleeps.
func (w *worker) wait(events []unix.EpollEvent, busy bool) int {
	if busy || len(w.again) > 0 {
		if n := w.look(events, true); n > 0 || len(w.again) > 0 {
			w.stay()
			return n
		}
	}
	w.stayed = false
	return w.look(events, false)
}

// look is a wait, or none.
func (w *worker) look(events []unix.EpollEvent, atOnce bool) int {
	n, err := w.sleeper.Wait(events, atOnce)
	if err != nil {
		panic(fmt.Sprintf("epoll_wait: %v", err)) // a descriptor of ours that is none: a bug
	}
	return n
}

// stay has another thread wait for the other workers' events: ours did, and
// will not for a while.
func (w *worker) stay() {
	if !w.stayed {
		w.stayed = true
		runtime.Gosched()
	}
}

// called does what others want of the worker, and reports false when it is to
// end.
func (w *worker) called() bool {
	var b [8]byte
	_, _ = unix.Read(w.wake, b[:])
	w.mu.Lock()
	calls := w.calls
	w.calls = nil
	w.mu.Unlock()
	for _, f := range calls {
		f.accept(w)
	}
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	return !w.engine.closed
}

// goOn gives those another turn that were not done.
func (w *worker) goOn() {
	turn := w.again
	w.again = nil
	for _, c := range turn {
		c.mu.Lock()
		c.queued = false
		c.move()
		c.mu.Unlock()
	}
	if w.again == nil {
		w.again = turn[:0]
	}
}

// watch sees to it that c does not wait for a server for ever.
func (w *worker) watch(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dials = append(w.dials, dialing{c.place, c.gen, len(c.tried), time.Now().Add(connectTimeout)})
	w.tick(connectTimeout)
}

// tick sets the timer, unless it is. The lock is held.
func (w *worker) tick(in time.Duration) {
	if !w.ticking {
		w.ticking = raw.SetTimer(w.timer, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(in.Nanoseconds())}) == nil
	}
}

func (w *worker) ticked() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ticking = false
}

// expire gives up the attempts whose time is over.
func (w *worker) expire(now time.Time) {
	for _, d := range w.late(now) {
		if c := w.engine.spot(d.place).Load(); c != nil {
			c.late(d)
		}
	}
}

// late takes the attempts whose time is over.
func (w *worker) late(now time.Time) []dialing {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for n < len(w.dials) && !now.Before(w.dials[n].deadline) {
		n++
	}
	late := w.dials[:n]
	if w.dials = w.dials[n:]; len(w.dials) > 0 { // what is appended comes behind late
		w.tick(max(w.dials[0].deadline.Sub(now), dialTick))
	}
	return late
}

func (w *worker) rouse() {
	_, _ = unix.Write(w.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

func (w *worker) shut() {
	for _, p := range w.pipes {
		p.close()
	}
	w.sleeper.Close()
	_ = unix.Close(w.wake)
	_ = unix.Close(w.timer)
}
