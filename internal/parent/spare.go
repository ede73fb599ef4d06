package parent

import (
	"log/slog"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// The process that reads the next configuration is started in advance, where
// there is much to read: at a reload it has begun to run, knows the
// configuration that runs, and has done once what it is asked to do.
// (docs/decisions/0022)
const (
	// spareFrom is the size of a snapshot, in bytes, from which on there is a
	// spare reader: some thousand real servers, or VRRP instances.
	spareFrom = 128 << 10
	// sparePause is how long after a start or a reload it is started: by then the
	// children have done what they do at once.
	sparePause = time.Second
)

// spare is the reader in advance.
type spare struct {
	*hired               // nil: there is none
	at     clock.Instant // when it is to be started, 0: not
}

// hiredEarly is a reader that was started in advance for a running
// configuration, or why that did not go; leftEarly is its end.
type (
	hiredEarly struct {
		*hired
		running *os.File
		err     error
	}
	leftEarly struct{ *hired }
)

// wantSpare has a reader started in a moment, if there is much to read.
func (h *house) wantSpare() {
	var st unix.Stat_t
	if h.spare.hired == nil && !h.stopping && unix.Fstat(int(h.snapshot.Fd()), &st) == nil && st.Size >= spareFrom {
		h.spare.at = now().Add(sparePause)
	}
}

// takeSpare gives the reader away, nil if there is none.
func (h *house) takeSpare() *hired {
	r := h.spare.hired
	h.spare = spare{}
	return r
}

// hireSpare starts it, beside the loop, which a start would keep waiting.
func (h *house) hireSpare() {
	h.spare.at = 0
	snapshot, netns := h.snapshot, h.netns()
	request, running := h.request()
	if h.loading || h.stopping || running == nil {
		return
	}
	h.work.Go(func() {
		defer running.Close()
		r, err := hire(&h.o, netns)
		if err == nil {
			err = r.tell(ipc.Message{Kind: ipc.Prepare, Body: ipc.Marshal(request)}, running)
		}
		h.post(hiredEarly{r, snapshot, err})
		if r == nil {
			return
		}
		select {
		case <-r.ended:
			h.post(leftEarly{r})
		case <-h.ended: // it ends with us
			_ = r.cmd.Process.Kill()
		}
		r.dismiss()
	})
}

// endSpare ends it: it may be rehearsing, while others have to come to an end.
func (h *house) endSpare() {
	if r := h.takeSpare(); r != nil {
		_ = r.cmd.Process.Kill()
	}
}

// hiredSpare takes the new reader, unless it is of no use any more.
func (h *house) hiredSpare(ev hiredEarly) {
	switch {
	case ev.err != nil:
		h.tell(slog.LevelWarn, "process", "The next reload starts its own reader: %v", ev.err)
	case !h.loading && !h.stopping && h.snapshot == ev.running && h.spare.hired == nil:
		h.spare.hired = ev.hired
		return
	}
	if ev.hired != nil {
		_ = ev.cmd.Process.Kill()
	}
}

// leftSpare notes it when the reader has ended before it was needed. There is no
// other one before the next reload: it would end as well.
func (h *house) leftSpare(ev leftEarly) {
	if h.spare.hired != ev.hired {
		return // it has done its work, or nobody wanted it
	}
	h.takeSpare()
	h.tell(slog.LevelWarn, "process", "The reader that waited for the next reload has ended: %s", ev.how)
}
