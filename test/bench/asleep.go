// A backup that is stopped for a while and goes on, beside a master that never
// went away: every advert of the backup is a second master, and one too many.
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

// naps are every case of every length, so that each pair of routers has one
// case to itself and they can all sleep at the same time.
func naps(adverts []time.Duration) (all []nap) {
	for _, advert := range adverts {
		all = append(all, nap{advert, true}, nap{advert, false})
	}
	return all
}

// outcome is how often a backup that slept for so long became a second master,
// and how often it took over from one that was silent for Master_Down_Interval:
// on a busy machine a master's adverts are late at times, which nobody's sleep
// is to blame for.
type outcome struct{ runs, spoke, silent int }

func benchAsleep(pair [2]daemon, adverts, lengths []time.Duration, runs int) error {
	cases := naps(adverts)
	var got [2][]map[time.Duration]outcome
	for i, d := range pair {
		got[i] = make([]map[time.Duration]outcome, len(cases))
		errs := make([]error, len(cases))
		var at sync.WaitGroup
		for c := range cases {
			at.Go(func() { got[i][c], errs[c] = cases[c].sleep(d, lengths, runs) })
		}
		at.Wait()
		if err := errors.Join(errs...); err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
	for c, n := range cases {
		fmt.Printf("\n%s\n  %-30s %24s %24s\n", n, "second master after a sleep of", pair[0].name, pair[1].name)
		for _, length := range lengths {
			fmt.Printf("  %-30s %24s %24s\n", length, got[0][c][length], got[1][c][length])
		}
	}
	return nil
}

func (o outcome) String() string {
	if o.silent == 0 {
		return fmt.Sprintf("%d of %d", o.spoke, o.runs)
	}
	return fmt.Sprintf("%d of %d (late master: %d)", o.spoke, o.runs, o.silent)
}

// sleep makes the backup of a pair of d sleep.
func (n nap) sleep(d daemon, lengths []time.Duration, runs int) (map[time.Duration]outcome, error) {
	r, err := newRouters(d, n.advert)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if err := r.steady(); err != nil {
		return nil, err
	}
	out := map[time.Duration]outcome{}
	for range runs {
		for _, length := range lengths {
			frames, err := n.once(r, length)
			if err != nil {
				return nil, fmt.Errorf("%s for %s: %w\n%s", n, length, err, r.backup.LogTail(20))
			}
			o := out[length]
			o.runs++
			if spoke, silent := judge(frames, r.mdi); spoke {
				o.spoke++
				fmt.Fprintf(os.Stderr, "%s: %s for %s: the backup spoke\n%s\n", d.name, n, length, r.backup.LogTail(12))
			} else if silent {
				o.silent++
			}
			out[length] = o
		}
	}
	return out, nil
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

// once is one sleep; it returns what was on the wire from its beginning until
// well after its end.
func (n nap) once(r *routers, length time.Duration) ([]frame, error) {
	pids := []int{r.backup.ChildPID("vrrp")}
	if n.whole {
		pids = append([]int{r.backup.PID()}, lab.Children(r.backup.PID())...)
	}
	if slices.Contains(pids, 0) {
		return nil, errors.New("the backup has no VRRP child")
	}
	if err := r.steady(); err != nil {
		return nil, err
	}
	time.Sleep(time.Duration(rand.Int64N(int64(r.advert)))) // not on anybody's tick
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			return nil, err
		}
	}
	time.Sleep(length)
	// Whoever is awake first may judge the others.
	rand.Shuffle(len(pids), func(i, j int) { pids[i], pids[j] = pids[j], pids[i] })
	for _, pid := range pids {
		// The parent may have replaced a child that slept for long.
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil && !errors.Is(err, syscall.ESRCH) {
			return nil, err
		}
	}
	time.Sleep(r.mdi + time.Second)
	frames := r.wire.take()
	if !slices.ContainsFunc(frames, func(f frame) bool { return !f.garp && f.source == masterAddr }) {
		return nil, errors.New("the master did not advertise")
	}
	return frames, nil
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
