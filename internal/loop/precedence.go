package loop

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Precedence is what a process asks of the kernel's scheduler and memory; the
// zero value asks for nothing.
type Precedence struct {
	Nice       int           // -20…19; 0: as the process was started
	RTPriority int           // SCHED_RR 1…99; 0: none
	RTTime     time.Duration // RLIMIT_RTTIME, of time at RTPriority without a pause; 0: none
	CPUs       []int         // on which it may run; empty: as it was started
	NoSwap     bool          // no memory of it is swapped out
}

// Bounds of a real-time priority (sched(7)).
const (
	MinRealTime = 1
	MaxRealTime = 99
)

// Keeper gives the threads of this process a precedence: all of them, for a
// loop whose garbage collector waits behind somebody else's computation waits
// too, and also those that the runtime starts later. Programs started by us do
// not inherit the real-time priority; nor do threads, which are looked for once
// a second, while the loop sees to the one that it wakes on itself. The zero
// value is ready for use; its methods belong to one goroutine, the loop's.
type Keeper struct {
	want   Precedence
	born   birth
	done   chan struct{} // nil while nobody looks for new threads
	beside sync.WaitGroup
}

// birth is what the process had before it was given anything.
type birth struct {
	known  bool
	nice   int
	cpus   unix.CPUSet
	rttime unix.Rlimit
}

// Set takes a precedence in place of the one before, for this process and its
// loop l. What the kernel refuses does not keep the rest from being done.
func (k *Keeper) Set(l *Loop, p Precedence) error {
	if reflect.DeepEqual(p, k.want) {
		return nil
	}
	if p.RTPriority != 0 && (p.RTPriority < MinRealTime || p.RTPriority > MaxRealTime) {
		return fmt.Errorf("real-time priority %d: expected %d to %d", p.RTPriority, MinRealTime, MaxRealTime)
	}
	k.born.remember()
	k.Close()
	had := k.want
	k.want = p
	l.realTime = p.RTPriority
	err := errors.Join(k.limit(had.RTTime), lock(p.NoSwap, had.NoSwap), k.threads(had))
	if p.Nice != 0 || p.RTPriority != 0 || len(p.CPUs) > 0 {
		k.done = make(chan struct{})
		k.beside.Go(func() { k.watch(k.done) })
	}
	return err
}

// Close ends looking for new threads; what the present ones have they keep.
func (k *Keeper) Close() {
	if k.done != nil {
		close(k.done)
		k.beside.Wait()
		k.done = nil
	}
}

func (b *birth) remember() {
	if b.known {
		return
	}
	b.known = true
	b.nice = niceness()
	_ = unix.SchedGetaffinity(0, &b.cpus)
	_ = unix.Getrlimit(unix.RLIMIT_RTTIME, &b.rttime)
}

// niceness is the nice value of the calling thread; the system call counts
// from 40 down (getpriority(2)).
func niceness() int {
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return 0
	}
	return 20 - raw
}

// limit sets RLIMIT_RTTIME. The soft limit, which warns, is half of the hard
// one, which kills, as with keepalived; the runtime takes the warning for
// nothing. It is nothing to a process without a real-time priority.
func (k *Keeper) limit(had time.Duration) error {
	if k.want.RTTime == had {
		return nil
	}
	l := k.born.rttime
	if n := uint64(k.want.RTTime.Microseconds()); n > 0 { // not negative
		l = unix.Rlimit{Cur: n / 2, Max: n}
	}
	err := unix.Setrlimit(unix.RLIMIT_RTTIME, &l)
	switch {
	case err == nil || k.want.RTPriority == 0:
		return nil
	case errors.Is(err, unix.EPERM): // without CAP_SYS_RESOURCE it can only be lowered
		return fmt.Errorf("the limit of time at real-time priority stays %v until the process is started anew: it cannot be raised", had)
	}
	return fmt.Errorf("limit time at real-time priority to %v: %w", k.want.RTTime, err)
}

// lock keeps the process's memory from being swapped out.
func lock(want, had bool) error {
	if want && !had {
		if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
			return fmt.Errorf("lock memory: %w", err)
		}
	} else if had && !want {
		_ = unix.Munlockall() // never fails
	}
	return nil
}

// threads gives every thread what is wanted, or what it was born with where
// that was changed before.
func (k *Keeper) threads(had Precedence) error {
	names, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("list our threads: %w", err)
	}
	var errs [3]error // of the first thread that was refused
	note := func(i int, what string, err error) {
		if err != nil && !errors.Is(err, unix.ESRCH) && errs[i] == nil {
			errs[i] = fmt.Errorf("%s: %w", what, err)
		}
	}
	for _, n := range names {
		tid, err := strconv.Atoi(n.Name())
		if err != nil {
			continue
		}
		if k.want.RTPriority != 0 || had.RTPriority != 0 {
			note(0, fmt.Sprintf("set real-time priority %d", k.want.RTPriority), setScheduler(tid, k.want.RTPriority))
		}
		if k.want.Nice != 0 || had.Nice != 0 {
			nice := k.want.Nice
			if nice == 0 {
				nice = k.born.nice
			}
			note(1, fmt.Sprintf("set nice value %d", nice), unix.Setpriority(unix.PRIO_PROCESS, tid, nice))
		}
		if len(k.want.CPUs) > 0 || len(had.CPUs) > 0 {
			note(2, fmt.Sprintf("run on CPUs %v only", k.want.CPUs), k.place(tid))
		}
	}
	return errors.Join(errs[:]...)
}

// place says where a thread may run.
func (k *Keeper) place(tid int) error {
	set := k.born.cpus
	if len(k.want.CPUs) > 0 {
		set.Zero()
		for _, n := range k.want.CPUs {
			set.Set(n)
		}
	}
	return unix.SchedSetaffinity(tid, &set)
}

// schedResetOnFork keeps a child from inheriting the policy (sched(7)).
const schedResetOnFork = 0x40000000

// setScheduler makes a thread SCHED_RR, or ordinary with priority 0.
func setScheduler(tid, prio int) error {
	policy := unix.SCHED_RR | schedResetOnFork
	if prio == 0 {
		policy = unix.SCHED_NORMAL
	}
	param := struct{ priority int32 }{int32(prio)} // at most 99
	_, _, errno := unix.RawSyscall(unix.SYS_SCHED_SETSCHEDULER, uintptr(tid), uintptr(policy), uintptr(unsafe.Pointer(&param)))
	if errno != 0 {
		return errno
	}
	return nil
}

// own gives the calling thread a real-time priority, if it has none: the runtime
// may have started it since anybody looked. It reports whether the kernel let it.
func own(prio int) bool {
	policy, _, errno := unix.RawSyscall(unix.SYS_SCHED_GETSCHEDULER, 0, 0, 0)
	if errno == 0 && policy&^schedResetOnFork == unix.SCHED_RR {
		return true
	}
	return setScheduler(0, prio) == nil
}

// warmThreads is how many threads the runtime is made to have before they get
// a priority: more than ever run at once, so that none starts without it later.
const warmThreads = 12

// warm makes the runtime start its threads now: a goroutine that sleeps in the
// kernel keeps one, and leaves it for whoever needs one next.
func warm() {
	var asleep sync.WaitGroup
	for range warmThreads {
		asleep.Go(func() {
			ts := unix.NsecToTimespec(int64(5 * time.Millisecond))
			_ = unix.Nanosleep(&ts, nil)
		})
	}
	asleep.Wait()
}

// watch gives new threads what the others have; it ends when done is closed.
func (k *Keeper) watch(done <-chan struct{}) {
	warm()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var known []string
	for {
		if now := threadIDs(); !slices.Equal(now, known) {
			known = now
			_ = k.threads(Precedence{}) // refused: it was said when it was set
		}
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}

// threadIDs are those of our threads, in some order; their number alone does not
// show that one has taken another's place.
func threadIDs() []string {
	dir, err := os.Open("/proc/self/task")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	return names
}
