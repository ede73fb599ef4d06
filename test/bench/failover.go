// Fail-over: how much longer than the protocol demands it takes until the
// backup advertises, after a crash and after an orderly stop of the master.
package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lab"
)

const (
	backupPriority = 100
	masterPriority = 200
	// patience bounds every wait, beyond the protocol's own time.
	patience = 15 * time.Second
)

var (
	masterAddr  = netip.MustParseAddr("10.99.0.1")
	backupAddr  = netip.MustParseAddr("10.99.0.2")
	virtualAddr = netip.MustParseAddr("10.99.0.100")
)

const failoverConf = `global_defs {
    router_id %s
    vrrp_version 3
}
vrrp_instance VI_1 {
    state BACKUP
    interface e0
    virtual_router_id 51
    priority %d
    advert_int %g
    virtual_ipaddress {
        10.99.0.100/24
    }
}
`

// timing is what was measured of one daemon, in ms.
type timing struct {
	overMDI  []float64 // last advert of the master to first of the backup, less Master_Down_Interval
	zero     []float64 // SIGTERM to the advert of priority 0
	overSkew []float64 // priority 0 to the backup's first announcement, less skew
}

func benchFailover(pair [2]daemon, runs, slow int) error {
	for _, c := range []struct {
		advert time.Duration
		runs   int
	}{{10 * time.Millisecond, runs}, {time.Second, slow}} {
		if c.runs == 0 {
			continue
		}
		var got [2]timing
		for i, d := range pair {
			if err := failovers(d, c.advert, c.runs, &got[i]); err != nil {
				return fmt.Errorf("%s, adverts of %s: %w", d.name, c.advert, err)
			}
		}
		heading(fmt.Sprintf("fail-over, adverts of %s", c.advert))
		row("crash: beyond Master_Down_Interval", "ms", got[0].overMDI, got[1].overMDI)
		row("SIGTERM to priority 0", "ms", got[0].zero, got[1].zero)
		row("priority 0 to announcement, beyond skew", "ms", got[0].overSkew, got[1].overSkew)
	}
	return nil
}

// failovers makes runs crashes and runs orderly stops of a pair of d.
func failovers(d daemon, advert time.Duration, runs int, into *timing) error {
	net3, err := newRouters(d, advert)
	if err != nil {
		return err
	}
	defer net3.close()
	for i := range 2 * runs {
		if err := net3.steady(); err != nil {
			return err
		}
		// A random phase of the interval, so that no daemon is measured on its tick.
		time.Sleep(3*advert + time.Duration(rand.Int64N(int64(advert))))
		if i%2 == 0 {
			err = net3.crash(into)
		} else {
			err = net3.stop(into)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// routers is a pair of daemons and a watcher on one segment.
type routers struct {
	lab            *lab.Lab
	master, backup *lab.Daemon
	wire           *capture
	skew, mdi      time.Duration
	advert         time.Duration
}

func newRouters(d daemon, advert time.Duration) (*routers, error) {
	l, err := lab.New(lab.Options{})
	if err != nil {
		return nil, err
	}
	r := &routers{lab: l, advert: advert, skew: advert * (256 - backupPriority) / 256}
	r.mdi = 3*advert + r.skew
	if err := r.build(d); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *routers) build(d daemon) error {
	for i, name := range []string{"r1", "r2", "watch"} {
		n, err := r.lab.Node(name, lab.Port{LAN: "lan", Name: "e0", Addresses: []string{fmt.Sprintf("10.99.0.%d/24", i+1)}})
		if err != nil {
			return err
		}
		if name == "watch" {
			err = n.Do(func() error {
				e0, err := net.InterfaceByName("e0")
				if err == nil {
					r.wire, err = openCapture(e0.Index)
				}
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	time.Sleep(time.Second) // the bridge's ports come up
	var err error
	if r.backup, err = r.start(d, "r2", backupPriority); err != nil {
		return err
	}
	r.master, err = r.start(d, "r1", masterPriority)
	return err
}

func (r *routers) start(d daemon, node string, priority int) (*lab.Daemon, error) {
	conf := fmt.Sprintf(failoverConf, node, priority, r.advert.Seconds())
	p, err := r.lab.Get(node).Daemon([]string{d.path}, node, conf)
	if err != nil {
		return nil, err
	}
	return p, p.Start()
}

func (r *routers) close() {
	if r.wire != nil {
		r.wire.close()
	}
	_ = r.lab.Close()
}

// steady starts the master if it is down and waits for five adverts of it in a row.
func (r *routers) steady() error {
	if !r.master.Up() {
		// A crash leaves the address and the pid files behind.
		_ = r.lab.Get("r1").DelAddress("e0", "10.99.0.100/24")
		for _, suffix := range []string{".pid", "-vrrp.pid", "-check.pid", "-bfd.pid"} {
			_ = os.Remove(r.lab.Path("r1" + suffix))
		}
		if err := r.master.Start(); err != nil {
			return err
		}
	}
	seen := 0
	r.wire.take()
	return r.until("the master advertises steadily", func(f frame) bool {
		switch {
		case f.garp || f.priority == 0:
		case f.source == masterAddr:
			seen++
		default:
			seen = 0
		}
		return seen >= 5
	})
}

func (r *routers) crash(into *timing) error {
	last := r.takeLast()
	r.master.KillTree()
	var first time.Time
	err := r.until("the backup advertises", func(f frame) bool {
		switch {
		case f.garp:
		case f.source == masterAddr:
			last = f.at
		case f.source == backupAddr:
			first = f.at
		}
		return !first.IsZero()
	})
	if err == nil && !last.IsZero() {
		into.overMDI = append(into.overMDI, ms(first.Sub(last)-r.mdi))
	}
	return err
}

func (r *routers) stop(into *timing) error {
	r.wire.take()
	asked := time.Now()
	done := make(chan error, 1)
	if err := r.master.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	go func() { _, err := r.master.Wait(patience); done <- err }()
	var zero, announced time.Time
	err := r.until("the backup announces the address", func(f frame) bool {
		switch {
		case f.garp && f.source == virtualAddr && !zero.IsZero():
			announced = f.at
		case !f.garp && f.source == masterAddr && f.priority == 0 && zero.IsZero():
			zero = f.at
		}
		return !announced.IsZero()
	})
	if err != nil {
		return err
	}
	into.zero = append(into.zero, ms(zero.Sub(asked)))
	into.overSkew = append(into.overSkew, ms(announced.Sub(zero)-r.skew))
	return <-done
}

// takeLast empties the capture and returns the time of the master's last advert.
func (r *routers) takeLast() (last time.Time) {
	for _, f := range r.wire.take() {
		if !f.garp && f.source == masterAddr {
			last = f.at
		}
	}
	return last
}

// until feeds frames to seen until it says yes.
func (r *routers) until(what string, seen func(frame) bool) error {
	end := time.Now().Add(patience + 10*r.mdi)
	for time.Now().Before(end) {
		for _, f := range r.wire.take() {
			if seen(f) {
				return nil
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return fmt.Errorf("waited in vain until %s\n%s\n%s", what, r.master.LogTail(10), r.backup.LogTail(10))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
