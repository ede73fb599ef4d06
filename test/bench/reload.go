// A reload of one instance among many: how late the adverts of all are, beside
// those of the same daemon when nobody asks anything of it.
package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lab"
)

const (
	reloadInterval = 100 * time.Millisecond
	reloadLinks    = 4
	reloadEach     = 250 // instances on a link
	// reloadWindow is how long adverts are looked at: the reload of either daemon
	// is over by then.
	reloadWindow = 2 * time.Second
	// tooLate is what counts as a late advert.
	tooLate = time.Millisecond
)

// lateness is how much later than an interval after the one before adverts
// came, by turn.
type lateness struct {
	p99, worst []float64 // ms
	late       []float64 // how many by more than tooLate
}

// many is a daemon with many instances, and who watches its links.
type many struct {
	lab    *lab.Lab
	daemon *lab.Daemon
	wires  []*capture
}

func benchReload(pair [2]daemon, turns int) error {
	var quiet, reload [2]lateness
	for i, d := range pair {
		m, err := newMany(d)
		if err == nil {
			err = m.measure(turns, &quiet[i], &reload[i])
		}
		m.close()
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
	heading(fmt.Sprintf("%d instances, adverts of %s: beyond the interval", reloadLinks*reloadEach, reloadInterval))
	for _, k := range []struct {
		when string
		of   *[2]lateness
	}{{"nothing asked", &quiet}, {"reload, one changed", &reload}} {
		row(k.when+": p99", "ms", k.of[0].p99, k.of[1].p99)
		row(k.when+": worst", "ms", k.of[0].worst, k.of[1].worst)
		row(fmt.Sprintf("%s: later than %s", k.when, tooLate), "adverts", k.of[0].late, k.of[1].late)
	}
	return nil
}

// newMany starts a daemon, and waits until it is master of everything.
func newMany(d daemon) (*many, error) {
	m := &many{}
	var err error
	if m.lab, err = lab.New(lab.Options{}); err != nil {
		return m, err
	}
	for i, name := range []string{"r1", "watch"} {
		var ports []lab.Port
		for k := range reloadLinks {
			ports = append(ports, lab.Port{
				LAN: fmt.Sprint("lan", k), Name: fmt.Sprint("e", k), Addresses: []string{fmt.Sprintf("10.98.%d.%d/24", 10+k, i+1)},
			})
		}
		if _, err := m.lab.Node(name, ports...); err != nil {
			return m, err
		}
	}
	err = m.lab.Get("watch").Do(func() error {
		for k := range reloadLinks {
			link, err := net.InterfaceByName(fmt.Sprint("e", k))
			if err != nil {
				return err
			}
			c, err := openCapture(link.Index)
			if err != nil {
				return err
			}
			m.wires = append(m.wires, c)
		}
		return nil
	})
	if err != nil {
		return m, err
	}
	time.Sleep(time.Second) // the bridges' ports come up
	if m.daemon, err = m.lab.Get("r1").Daemon([]string{d.path}, "r1", manyRouters(100)); err == nil {
		err = m.daemon.Start()
	}
	if err != nil {
		return m, err
	}
	return m, m.steady()
}

func (m *many) close() {
	for _, c := range m.wires {
		c.close()
	}
	if m.lab != nil {
		_ = m.lab.Close()
	}
}

// steady waits until all instances advertise, and nothing else is announced.
func (m *many) steady() error {
	for end := time.Now().Add(2 * patience); time.Now().Before(end); {
		m.take()
		time.Sleep(reloadWindow)
		frames := m.take()
		garps := 0
		for _, all := range frames {
			for _, f := range all {
				if f.garp {
					garps++
				}
			}
		}
		if len(gaps(frames)) >= reloadLinks*reloadEach && garps == 0 {
			return nil
		}
	}
	return fmt.Errorf("not all instances advertise after %s", 2*patience)
}

// take returns what came on each link since the last call.
func (m *many) take() (frames [][]frame) {
	for _, c := range m.wires {
		frames = append(frames, c.take())
	}
	return frames
}

// gaps are the times between adverts of one instance.
func gaps(frames [][]frame) (out []time.Duration) {
	for _, all := range frames {
		var last [256]time.Time
		for _, f := range all {
			if f.garp {
				continue
			}
			if at := last[f.vrid]; !at.IsZero() {
				out = append(out, f.at.Sub(at))
			}
			last[f.vrid] = f.at
		}
	}
	return out
}

// measure takes turns of looking on, and of looking on while one instance is
// changed.
func (m *many) measure(turns int, quiet, reload *lateness) error {
	for i := range turns {
		m.take()
		time.Sleep(reloadWindow)
		quiet.add(m.take())
		if err := os.WriteFile(m.daemon.ConfigFile(), []byte(manyRouters(101+i)), 0o600); err != nil {
			return err
		}
		m.take()
		time.Sleep(2 * reloadInterval) // so that a gap that begins before it counts
		if err := m.daemon.Reload(); err != nil {
			return err
		}
		time.Sleep(reloadWindow)
		reload.add(m.take())
	}
	return nil
}

func (l *lateness) add(frames [][]frame) {
	var beyond []float64
	late := 0.0
	for _, g := range gaps(frames) {
		beyond = append(beyond, ms(g-reloadInterval))
		if g > reloadInterval+tooLate {
			late++
		}
	}
	l.p99 = append(l.p99, quantile(beyond, 0.99))
	l.worst = append(l.worst, quantile(beyond, 1))
	l.late = append(l.late, late)
}

// manyRouters is a file of many instances; one in the middle has that priority.
func manyRouters(priority int) string {
	var b strings.Builder
	b.WriteString("global_defs {\n    router_id bench\n    vrrp_version 3\n}\n")
	for i := range reloadLinks * reloadEach {
		p := 100
		if i == reloadLinks*reloadEach/2 {
			p = priority
		}
		fmt.Fprintf(&b, "vrrp_instance V%d {\n    state BACKUP\n    interface e%d\n    virtual_router_id %d\n    priority %d\n    advert_int 0.1\n"+
			"    virtual_ipaddress {\n        10.98.%d.%d/32\n    }\n}\n", i, i/reloadEach, i%reloadEach+1, p, 100+i/reloadEach, i%reloadEach+1)
	}
	return b.String()
}
