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
	// dialTick is how often connects that take too long are looked for.
	dialTick = 500 * time.Millisecond
	// stint is how long a busy worker goes on before it asks Go's scheduler for
	// its turn. For one that does not within 10 ms (forcePreemptNS of the
	// runtime) the runtime's monitor stays awake: it looks every 20 µs, and takes
	// the processor whenever the worker waits (docs/decisions/0012).
	stint = 8 * time.Millisecond
	// stintEvents is how many events are worth the thread that is woken for it.
	stintEvents = 4
	// wakeEvent is no connection, but a word to the worker; what is below it is
	// a front.
	wakeEvent = -1
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
	fronts  sync.Map // *tcpFront by its number, below wakeEvent

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
	f.number = wakeEvent - e.admitted
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
	engine *engine
	epoll  int
	wake   int // eventfd(2)
	buf    []byte
	pipes  []*pipe // empty ones
	again  []*conn // those whose turn was over before they were done

	conns  atomic.Int32
	asleep atomic.Bool // until something happens, however long that takes
	mu     sync.Mutex
	dials  []dialing   // in the order of their deadlines
	calls  []*tcpFront // that may accept again
}

// dialing is an attempt to connect that must come to its end.
type dialing struct {
	place, gen uint32
	tries      int
	deadline   time.Time
}

func (w *worker) open() (err error) {
	if w.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("make an epoll: %w", err)
	}
	if w.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err == nil {
		err = unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, w.wake, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: wakeEvent})
	}
	if err != nil {
		_ = unix.Close(w.epoll)
		return fmt.Errorf("make an eventfd: %w", err)
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
			case ev.Fd < wakeEvent:
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
// ones already, mostly: it looks without telling the scheduler, which else
// wakes other threads in its place.
func (w *worker) wait(events []unix.EpollEvent, busy bool) int {
	if busy {
		if n := raw.Ready(w.epoll, events); n > 0 {
			return n
		}
	}
	n, err := unix.EpollWait(w.epoll, events, w.patience())
	w.asleep.Store(false)
	if err != nil && err != unix.EINTR {
		panic(fmt.Sprintf("epoll_wait: %v", err)) // a descriptor of ours that is none: a bug
	}
	return max(n, 0)
}

// patience is how long to wait for events, in milliseconds.
func (w *worker) patience() int {
	if len(w.again) > 0 {
		return 0
	}
	w.asleep.Store(true)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.dials) > 0 {
		w.asleep.Store(false)
		return int(dialTick.Milliseconds())
	}
	return -1
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
	w.dials = append(w.dials, dialing{c.place, c.gen, len(c.tried), time.Now().Add(connectTimeout)})
	w.mu.Unlock()
	if w.asleep.Load() {
		w.rouse()
	}
}

// expire gives up the attempts whose time is over.
func (w *worker) expire(now time.Time) {
	w.mu.Lock()
	if len(w.dials) == 0 {
		w.mu.Unlock()
		return
	}
	n := 0
	for n < len(w.dials) && !now.Before(w.dials[n].deadline) {
		n++
	}
	if n == 0 {
		w.mu.Unlock()
		return
	}
	late := w.dials[:n]
	w.dials = w.dials[n:] // what is appended comes behind late
	w.mu.Unlock()
	for _, d := range late {
		if c := w.engine.spot(d.place).Load(); c != nil {
			c.late(d)
		}
	}
}

func (w *worker) rouse() {
	_, _ = unix.Write(w.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

func (w *worker) shut() {
	for _, p := range w.pipes {
		p.close()
	}
	_ = unix.Close(w.epoll)
	_ = unix.Close(w.wake)
}
