// Package vrrpd is the VRRP child: one loop around vrrp.Node and its edges.
//
// The way of a packet is receive.go → Node → act.go → wanted.go; of a change in
// the kernel, wanted.go and locate.go; of a reload, change.go (beside the
// loop) and reload.go; of an end, stop.go. auth.go has AH and HMAC, fit.go which addresses fit an advert, slept.go what is done after a sleep, refused.go
// what is said of adverts that are not believed. links.go has the virtual
// interfaces, firewall.go nftables, settle.go what interfaces are said to be,
// linkbeat.go asks their drivers. held.go has routes and rules, lease.go addresses
// that are renewed, static.go what is there whatever the states. early.go has
// deadlines served on time, precedence.go asks the scheduler, pace.go sends
// announcements, scripts.go runs track scripts, trackfiles.go follows files,
// processes.go processes, bfd.go BFD sessions, outlets.go tells D-Bus and SNMP, tell.go has logs, backlog.go when it is their turn, notify.go scripts and FIFOs, mail.go mail,
// survey.go looks at everything for who asks, query.go makes the status of it,
// dump.go the data files, ledger.go what a killed predecessor left. What is decided is decided in package vrrp, what is there
// and written in package kernel, sockets are package socket's.
//
// Everything here belongs to the loop's goroutine unless it says otherwise.
package vrrpd

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/loop"
	"github.com/holdfast-ha/holdfast/internal/notify/fifo"
	"github.com/holdfast-ha/holdfast/internal/notify/script"
	"github.com/holdfast-ha/holdfast/internal/notify/smtp"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

// daemon is the child's whole state.
type daemon struct {
	conn *ipc.Conn
	boot ipc.BootInfo
	log  *bus.Bus
	loop *loop.Loop // nil in tests that bring their own clock
	now  func() clock.Instant
	look func() clock.Instant // now, looked at again
	read func() clock.Reading
	post func(func()) bool
	// yield lets adverts and other deadlines that have come go first.
	yield func()

	cfg  build.VRRP
	node *vrrp.Node
	last clock.Instant // of its latest Step

	reflector *kernel.Reflector
	writer    *kernel.Writer
	mirror    *kernel.Mirror // the reflector's
	tables    kernel.Tables  // the writer
	speaker   speaker
	pace      *pacer
	backlog   backlog

	edges       []*edge // by index of the configuration
	masters     int     // how many of them are active
	static      *edge   // holds what is there whatever the states
	ghosts      []*edge // what earlier configurations may have left
	routers     map[address]*edge
	owners      map[kernel.AddrKey][]*edge // whose virtual address it is
	routeOwners map[kernel.RouteKey][]*edge
	ruleOwners  map[kernel.Rule][]*edge
	virtual     map[netip.Addr]int // how many have it as a virtual address
	leaving     map[spot]bool      // during a reload: what it has not removed yet
	strays      map[place]*stray
	told        map[string]verdict // what the machine knows of tracked objects
	parsed      wire.Advert        // of the packet being looked at
	early       early

	// What the kernel's changes concern: links by index and by name.
	indexes map[int]bool
	names   map[string]bool

	dirty, again  []*edge // to be written; to be announced once more
	moved         bool    // a link, or perhaps a source, has changed
	sketch        sketch
	lost          map[netip.Addr]bool // addresses that have gone, perhaps sources
	suspects      []kernel.AddrKey
	suspectRoutes []kernel.RouteKey
	suspectRules  []kernel.Rule
	flying        int           // writes that are with the writer's thread
	leaseAt       clock.Instant // when addresses are to be renewed next, 0 = never
	retryAt       clock.Instant
	backoff       time.Duration

	trackers []*tracker
	bfd      sessions
	outlets  outlets
	procs    *processes
	files    *trackFiles
	scripts  *script.Runner
	fifos    fifo.Set
	mails    *smtp.Outlet // nil: nobody gets any

	raised int         // by max_auto_priority
	keeper loop.Keeper // of vrrp_rt_priority and its kind

	links links
	wall  firewall
	syncd syncd

	// Looked up by name in the configuration.
	index
	bouncing map[string]bouncing
	beats    beats
	extraAt  clock.Instant // when somebody's extra announcements are due

	trouble, fifoLoss, mailLoss, wallLoss quiet

	notes notes // for a successor
	book  ledgers

	hands    sync.WaitGroup // goroutines that post
	reading  chan struct{}  // holds one while a configuration is read and adopted
	ended    chan struct{}  // closed: no post is run any more
	stopping bool
	begun    bool // interfaces are known
}

// Run is the VRRP child; it is an ipc.ChildMain.
func Run(conn *ipc.Conn, boot ipc.BootInfo, snapshot []byte, log *bus.Bus) error {
	loop.Quiet()
	loop.Exact()
	cfg, err := read(snapshot, boot)
	if err != nil {
		return fmt.Errorf("%w: %w", err, ipc.ErrPermanent)
	}
	d := newDaemon(conn, boot, log)
	if err := d.open(); err != nil {
		return err
	}
	defer d.close()
	d.begin(cfg)
	d.ready()
	err = d.loop.Run()
	d.end()
	return err
}

func newDaemon(conn *ipc.Conn, boot ipc.BootInfo, log *bus.Bus) *daemon {
	d := &daemon{
		conn: conn, boot: boot, log: log, yield: func() {},
		routers: map[address]*edge{}, owners: map[kernel.AddrKey][]*edge{}, virtual: map[netip.Addr]int{}, leaving: map[spot]bool{},
		routeOwners: map[kernel.RouteKey][]*edge{}, ruleOwners: map[kernel.Rule][]*edge{},
		strays: map[place]*stray{}, told: map[string]verdict{}, lost: map[netip.Addr]bool{}, indexes: map[int]bool{}, names: map[string]bool{},
		bouncing: map[string]bouncing{}, reading: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	d.links.promote = kernel.PromoteSecondaries
	d.scripts = script.New(d.scriptEnded)
	d.pace = newPacer(func(e *edge, h *holding) {
		if d.listens(e) {
			return // the machine has them announced when it goes on
		}
		e.counters.announced++
		d.speaker.Announce(e, h)
	}, func() { d.speaker.Flush() })
	return d
}

// open makes loop, mirror, writer and sockets, in the network namespace of the
// calling thread.
func (d *daemon) open() (err error) {
	if d.loop, err = loop.New(); err != nil {
		return err
	}
	d.loop.Holds(d.log)
	d.now, d.look, d.read, d.post, d.yield = d.loop.Now, d.loop.Look, d.loop.Read, d.loop.Post, d.loop.Yield
	// Even routes that this configuration lacks may come with a reload.
	if d.reflector, err = kernel.Open(kernel.Options{Routes: true}); err != nil {
		return err
	}
	d.mirror = d.reflector.Mirror()
	if d.writer, err = kernel.NewWriter(d.reflector, d.post, d.changed); err != nil {
		return err
	}
	d.tables = d.writer
	if d.speaker, err = newSpeaker(d); err != nil {
		return err
	}
	if err := d.loop.Watch(d.reflector.FD(), unix.EPOLLIN, func(uint32) { d.readKernel() }); err != nil {
		return err
	}
	if err := d.loop.Watch(d.conn.Fd(), unix.EPOLLIN, func(uint32) { d.listen() }); err != nil {
		return err
	}
	d.deadlines()
	if fd := d.boot.StopFD; fd > 0 {
		unix.CloseOnExec(fd)
		return d.loop.Watch(fd, unix.EPOLLIN|loop.First, func(uint32) {
			d.loop.Unwatch(fd)
			d.stop("the parent is told to end")
		})
	}
	return nil
}

func (d *daemon) readKernel() {
	if err := d.reflector.Read(d.changed); err != nil {
		d.loop.Fail(err)
	}
	d.settle()
}

func (d *daemon) close() {
	d.speaker.Close()
	d.writer.Close()
	d.reflector.Close()
}

// deadlines: adverts come before announcements, these before words, and these
// before scripts and retries.
func (d *daemon) deadlines() {
	d.loop.OnDeadline(d.nextDeadline, d.tick)
	d.loop.OnDeadline(d.pace.deadline, d.pace.tick)
	d.loop.OnDeadline(d.nextWords, d.tickWords)
	d.loop.OnDeadline(d.nextBelieved, d.tickBelieved)
	d.loop.OnDeadline(d.nextExtra, d.tickExtra)
	d.loop.OnDeadline(d.nextTrack, d.tickTrack)
	d.loop.OnDeadline(d.nextRetry, d.tickRetry)
	d.loop.OnDeadline(d.nextBFD, d.tickBFD)
	d.loop.OnDeadline(d.nextLease, d.tickLease)
	d.loop.OnDeadline(d.nextProcess, d.tickProcess)
	d.loop.OnDeadline(d.nextLedger, d.tickLedger)
	d.loop.OnWoke(d.woke)
}

// vigil sets how late a deadline must be served for us to have been asleep: an
// interval of adverts, the shortest there is. Whoever is later than that cannot
// tell silence from not having listened.
func (d *daemon) vigil(shortest time.Duration) {
	if d.loop != nil {
		d.loop.SetWoke(shortest)
	}
}

// begin starts operation: a start is a reload from nothing.
func (d *daemon) begin(cfg build.VRRP) {
	booted := time.Duration(d.read().Boot)
	cfg.Node.StartupDelay = max(cfg.Node.StartupDelay, cfg.DelayAfterBoot-booted)
	d.openNotes()
	c := d.workOut(cfg)
	d.node = vrrp.NewNode(cfg.Node)
	d.renumber(c)
	earlier := d.readLedger()
	d.makeLinks(&cfg, earlier)
	d.inheritLinks(earlier)
	d.adoptLinks(c)
	d.cfg = cfg
	d.buffers(&cfg.Buffers)
	d.index = c.index
	d.pollLinks()
	d.vigil(c.shortest)
	d.precedence()
	d.openFIFOs(c.fifos)
	d.openMail(cfg.Mail)
	d.locateAll()
	d.mirrorRoutes()
	d.inherit(earlier)
	d.noteLedger()
	d.begun = true
	d.interfaces(cfg.Interfaces)
	d.report(d.edges)
	left := d.leftOver()
	held := d.resume(d.notes.Read(), c.places.tracks)
	d.renote(c.places)
	d.step(vrrp.Start{Held: held})
	d.retrack(cfg.Scripts)
	d.refile(cfg.Files)
	d.rebfd()
	d.reprocess(cfg.Processes)
	d.compareAll()
	d.judgeGroups()
	d.synchronize()
	d.tellLeft(left)
}

// leftOver is what a predecessor left of our addresses.
func (d *daemon) leftOver() (left []kernel.AddrKey) {
	for k, owners := range d.owners {
		if _, there := d.mirror.Address(k); there && !owners[0].holding(k).native {
			left = append(left, k)
		}
	}
	slices.SortFunc(left, kernel.AddrKey.Compare)
	return left
}

// tellLeft tells of those that nobody wants, now that states are known.
func (d *daemon) tellLeft(left []kernel.AddrKey) {
	for _, k := range left {
		if _, wanted := d.wanted(k); !wanted {
			e := d.owners[k][0]
			h := e.holding(k)
			d.sayf(slog.LevelInfo, kindAddress, e.Name, "(%s) %s was on %s from an earlier run: it is removed", e.Name, h, h.dev)
		}
	}
}

// ready tells what is running, and the parent that it is.
func (d *daemon) ready() {
	for _, e := range d.edges {
		for _, a := range e.Addresses {
			d.sayf(slog.LevelDebug, kindConfig, e.Name, "(%s) virtual address %s on %s", e.Name, a.Prefix, a.Dev)
		}
	}
	d.sayf(slog.LevelInfo, kindProcess, "", "serving %d virtual routers in %d sync groups", len(d.edges), len(d.cfg.Groups))
	_ = d.conn.Send(ipc.Message{Kind: ipc.Ready}) // a parent that is gone is noticed by listen
	d.speaker.Flush()
	d.speaker.Warm()
}

// listen takes what the parent says.
func (d *daemon) listen() {
	why := d.conn.Obey(ipc.Orders{Stop: d.stop, Query: d.answer, Reload: d.reload, Link: d.linkTo})
	if why != "" {
		d.loop.Unwatch(d.conn.Fd())
		d.stop(why)
	}
}
