package sim

import (
	"math"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

const never = clock.Instant(math.MaxInt64)

// queued is something that happens at a time; in order of asking when the
// times are equal.
type queued struct {
	at  clock.Instant
	seq int
	do  func()
}

// queue is a heap of what is to happen.
type queue []queued

func (q queue) less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}

// after lets fn happen when d has passed.
func (w *World) after(d time.Duration, fn func()) {
	w.seq++
	q := append(w.queue, queued{w.now.Add(d), w.seq, fn})
	for i := len(q) - 1; i > 0; {
		parent := (i - 1) / 2
		if !q.less(i, parent) {
			break
		}
		q[i], q[parent] = q[parent], q[i]
		i = parent
	}
	w.queue = q
}

// pop takes the first out.
func (q *queue) pop() queued {
	s := *q
	first, last := s[0], len(s)-1
	s[0], s[last] = s[last], queued{}
	s = s[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if s.less(child, least) {
				least = child
			}
		}
		if least == i {
			break
		}
		s[i], s[least] = s[least], s[i]
		i = least
	}
	*q = s
	return first
}
