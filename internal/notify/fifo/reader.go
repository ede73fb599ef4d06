package fifo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/proc"
)

const (
	// readerPause is the pause before a program that ended is started again; it
	// doubles up to maxReaderPause while it does not run for longer than that.
	readerPause    = time.Second
	maxReaderPause = time.Minute
	// readerEnd is how long, at the end, a program may take to read what is
	// left and end by itself: then it gets TERM.
	readerEnd = time.Second
)

// reader is a program that reads a pipe, over all its lives.
type reader struct {
	spec   proc.Spec
	told   func(string)
	ctx    context.Context // done: TERM, then KILL
	cancel context.CancelFunc
	last   chan struct{} // closed: do not start it again
	done   chan struct{}
}

func read(path string, s proc.Spec, told func(string)) *reader {
	s.Argv = append(s.Argv[:len(s.Argv):len(s.Argv)], path)
	r := &reader{spec: s, told: told, last: make(chan struct{}), done: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	go r.run()
	return r
}

func (r *reader) run() {
	defer close(r.done)
	pause := readerPause
	for {
		result := proc.Run(r.ctx, r.spec)
		if result.Took > maxReaderPause {
			pause = readerPause
		}
		select {
		case <-r.last:
			return
		default:
		}
		r.told(fmt.Sprintf("FIFO script %s: %s: it is started again in %v", strings.Join(r.spec.Argv, " "), result, pause))
		select {
		case <-time.After(pause):
		case <-r.last:
			return
		}
		pause = min(2*pause, maxReaderPause)
	}
}

// end waits for the program: the pipe is closed, so whoever reads it knows.
func (r *reader) end() {
	close(r.last)
	patience := time.AfterFunc(readerEnd, r.cancel)
	<-r.done
	patience.Stop()
	r.cancel()
}
