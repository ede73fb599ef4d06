// Routers that are stopped for a while and go on. A backup beside a master that
// never went away: every advert of the backup is a second master, and one too
// many. What masters do is in asleep_master.go.
package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lab"
)

// nap is what is measured: who sleeps, at which adverts.
type nap struct {
	advert time.Duration
	whole  bool // parent and children, not the VRRP child alone
}

func (n nap) String() string {
	who := "the VRRP child"
	if n.whole {
		who = "all processes"
	}
	return fmt.Sprintf("adverts of %s, %s stopped", n.advert, who)
}

// sleeper is a kind of router that is put to sleep.
type sleeper struct {
	heading string
	lone    bool // without a backup
	master  bool
}

// sleepers are by the name that -sleepers takes.
var sleepers = map[string]sleeper{
	"backup": {heading: "second master after a sleep of"},
	"lone":   {heading: "a master alone, after a sleep of", lone: true, master: true},
	"master": {heading: "a master with a backup, after a sleep of", master: true},
}

// naps are every case of every length, so that each pair of routers has one
// case to itself and they can all sleep at the same time.
func naps(adverts []time.Duration) (all []nap) {
	for _, advert := range adverts {
		all = append(all, nap{advert, true}, nap{advert, false})
	}
	return all
}

// result is of all sleeps of one length.
type result interface{ String() string }

func benchAsleep(pair [2]daemon, who sleeper, adverts, lengths []time.Duration, runs int) error {
	cases := naps(adverts)
	var got [2][]map[time.Duration]result
	for i, d := range pair {
		got[i] = make([]map[time.Duration]result, len(cases))
		errs := make([]error, len(cases))
		var at sync.WaitGroup
		for c := range cases {
			at.Go(func() { got[i][c], errs[c] = cases[c].sleep(d, who, lengths, runs) })
		}
		at.Wait()
		if err := errors.Join(errs...); err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
	for c, n := range cases {
		fmt.Printf("\n%s\n", n)
		if !who.master {
			fmt.Printf("  %-42s %24s %24s\n", who.heading, pair[0].name, pair[1].name)
			for _, length := range lengths {
				fmt.Printf("  %-42s %24s %24s\n", length, got[0][c][length], got[1][c][length])
			}
			continue
		}
		fmt.Printf("  %s\n", who.heading)
		for _, length := range lengths {
			for i, d := range pair {
				fmt.Printf("  %8s  %-10s  %s\n", length, d.name, got[i][c][length])
			}
		}
	}
	return nil
}

// sleep makes a router of a pair of d sleep.
func (n nap) sleep(d daemon, who sleeper, lengths []time.Duration, runs int) (map[time.Duration]result, error) {
	r, err := newRouters(d, n.advert)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if err := r.steady(); err != nil {
		return nil, err
	}
	once := nap.backupSleeps
	if who.master {
		m, err := newMasters(r, who.lone)
		if err != nil {
			return nil, err
		}
		defer m.close()
		once = m.masterSleeps
	}
	out := map[time.Duration]result{}
	for range runs {
		for _, length := range lengths {
			if out[length], err = once(n, d, r, length, out[length]); err != nil {
				return nil, fmt.Errorf("%s for %s: %w\n%s\n%s", n, length, err, r.master.LogTail(20), r.backup.LogTail(20))
			}
		}
	}
	return out, nil
}

// outcome is how often a backup that slept for so long became a second master,
// and how often it took over from one that was silent for Master_Down_Interval:
// on a busy machine a master's adverts are late at times, which nobody's sleep
// is to blame for.
type outcome struct{ runs, spoke, silent int }

func (o outcome) String() string {
	if o.silent == 0 {
		return fmt.Sprintf("%d of %d", o.spoke, o.runs)
	}
	return fmt.Sprintf("%d of %d (late master: %d)", o.spoke, o.runs, o.silent)
}

// backupSleeps is one sleep of the backup, added to what there was.
func (n nap) backupSleeps(d daemon, r *routers, length time.Duration, was result) (result, error) {
	err := r.steady()
	if err == nil {
		err = n.stop(r.backup, length)
	}
	if err != nil {
		return nil, err
	}
	time.Sleep(r.mdi + time.Second)
	frames := r.wire.take()
	if !slices.ContainsFunc(frames, func(f frame) bool { return !f.garp && f.source == masterAddr }) {
		return nil, errors.New("the master did not advertise")
	}
	o, _ := was.(outcome)
	o.runs++
	if spoke, silent := judge(frames, r.mdi); spoke {
		o.spoke++
		fmt.Fprintf(os.Stderr, "%s: %s for %s: the backup spoke\n%s\n", d.name, n, length, r.backup.LogTail(12))
	} else if silent {
		o.silent++
	}
	return o, nil
}

// judge reports whether the backup took over from a master that had just been
// heard on the wire, or from one that had not for Master_Down_Interval.
func judge(frames []frame, mdi time.Duration) (spoke, silent bool) {
	var master, backup time.Time
	for _, f := range frames {
		switch {
		case f.garp || f.priority == 0:
		case f.source == masterAddr:
			master = f.at
		case f.source == backupAddr:
			if f.at.Sub(backup) >= mdi { // not one takeover's next advert
				late := f.at.Sub(master) >= mdi
				spoke, silent = spoke || !late, silent || late
			}
			backup = f.at
		}
	}
	return spoke, silent
}

// stop stops a router for so long.
func (n nap) stop(who *lab.Daemon, length time.Duration) error {
	pids := []int{who.ChildPID("vrrp")}
	if n.whole {
		pids = append([]int{who.PID()}, lab.Children(who.PID())...)
	}
	if slices.Contains(pids, 0) {
		return fmt.Errorf("%s has no VRRP child", who.Name)
	}
	time.Sleep(time.Duration(rand.Int64N(int64(n.advert)))) // not on anybody's tick
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			return err
		}
	}
	time.Sleep(length)
	// Whoever is awake first may judge the others.
	rand.Shuffle(len(pids), func(i, j int) { pids[i], pids[j] = pids[j], pids[i] })
	for _, pid := range pids {
		// The parent may have replaced a child that slept for long.
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	return nil
}

// durations reads a list of seconds.
func durations(list string) (all []time.Duration, err error) {
	for word := range strings.SplitSeq(list, ",") {
		var seconds float64
		if _, err := fmt.Sscan(word, &seconds); err != nil || seconds <= 0 {
			return nil, fmt.Errorf("%q: expected seconds with a comma between", list)
		}
		all = append(all, time.Duration(seconds*float64(time.Second)))
	}
	return all, nil
}
