// Package script runs notification scripts beside the loop that asks for them.
//
// Scripts about one object run in the order of what happened to it: those of
// one transition start together, those of the next when they have ended, or
// when they have had Patience. Scripts about different objects do not wait for
// each other. What is run, and with which arguments, is decided by the caller;
// users, groups and process handling are package proc's.
package script

import (
	"context"
	"sync"
	"time"

	"github.com/holdfast-ha/holdfast/internal/proc"
)

const (
	// Patience is how long the scripts of one transition keep those of the
	// next waiting. One that takes longer is left to run.
	Patience = 10 * time.Second
	// MaxWaiting bounds the transitions of one object that wait; then its
	// oldest waiting one is given up.
	MaxWaiting = 64
	// MaxRunning bounds the transitions that are served at once.
	MaxRunning = 64
	// maxOutput is how much of a script's output is kept, in bytes.
	maxOutput = 1 << 10
)

// Job is what one transition wants to be run.
type Job struct {
	Object  string // an instance's, group's or server's name: the order is kept within it
	Scripts []proc.Spec
}

// Outcome tells how one script ended, or that a job was given up (Dropped).
type Outcome struct {
	Object  string
	Argv    []string
	Result  proc.Result
	Dropped bool
}

// Runner runs jobs. Its methods may be called from any goroutine.
type Runner struct {
	told  func(Outcome)
	slots chan struct{} // MaxRunning: a place each

	mu    sync.Mutex // held to move a few words
	lanes map[string]*lane
	busy  sync.WaitGroup // one for each job not yet served and script not yet ended
	ended bool
}

// lane is one object's queue; it exists while there is something in it.
type lane struct{ waiting []Job }

// New returns a runner that tells outcomes from goroutines of its own.
func New(told func(Outcome)) *Runner {
	return &Runner{told: told, slots: make(chan struct{}, MaxRunning), lanes: map[string]*lane{}}
}

// Run takes a job and does not wait.
func (r *Runner) Run(j Job) {
	if len(j.Scripts) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	r.busy.Add(1)
	l := r.lanes[j.Object]
	if l == nil {
		r.lanes[j.Object] = &lane{}
		go r.serve(j)
		return
	}
	if len(l.waiting) == MaxWaiting {
		oldest := l.waiting[0]
		l.waiting = append(l.waiting[:0], l.waiting[1:]...)
		r.busy.Done()
		go r.told(Outcome{Object: oldest.Object, Argv: oldest.Scripts[0].Argv, Dropped: true})
	}
	l.waiting = append(l.waiting, j)
}

// serve runs jobs of one object until none waits.
func (r *Runner) serve(j Job) {
	for {
		r.slots <- struct{}{}
		r.job(j)
		<-r.slots
		next, ok := r.next(j.Object)
		r.busy.Done()
		if !ok {
			return
		}
		j = next
	}
}

func (r *Runner) next(object string) (Job, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.lanes[object]
	if len(l.waiting) == 0 {
		delete(r.lanes, object)
		return Job{}, false
	}
	j := l.waiting[0]
	l.waiting = append(l.waiting[:0], l.waiting[1:]...)
	return j, true
}

// job starts the scripts and waits for them, with patience.
func (r *Runner) job(j Job) {
	ended := make(chan struct{}, len(j.Scripts)) // one place each: nobody waits to leave
	for _, s := range j.Scripts {
		r.busy.Add(1)
		go func() {
			defer r.busy.Done()
			s.MaxOutput = maxOutput
			r.told(Outcome{Object: j.Object, Argv: s.Argv, Result: proc.Run(context.Background(), s)})
			ended <- struct{}{}
		}()
	}
	patience := time.NewTimer(Patience)
	defer patience.Stop()
	for range j.Scripts {
		select {
		case <-ended:
		case <-patience.C:
			return
		}
	}
}

// Close takes no more jobs and waits, for at most so long, for those taken. It
// reports whether all have ended; what has not lives on.
func (r *Runner) Close(limit time.Duration) bool {
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	all := make(chan struct{})
	go func() {
		r.busy.Wait()
		close(all)
	}()
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-all:
		return true
	case <-t.C:
		return false
	}
}
