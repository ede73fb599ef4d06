package proxyd

import (
	"sync"

	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// budget shares the UDP sessions that there may be among the services. While
// there is room everybody takes what is needed. Then the service with the most
// sessions has to give one, so that a flood at one of them costs no other.
type budget struct {
	mu    sync.Mutex
	limit int
	all   int
	of    map[*udpFront]int
	notes ipc.Notes
}

func newBudget(limit int) *budget { return &budget{limit: limit, of: map[*udpFront]int{}} }

func (b *budget) try(f *udpFront) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all >= b.limit {
		return false
	}
	b.all++
	b.of[f]++
	b.notes.Set(noteSessions, uint64(b.all))
	return true
}

func (b *budget) give(f *udpFront) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all--
	if b.of[f]--; b.of[f] == 0 {
		delete(b.of, f)
	}
	b.notes.Set(noteSessions, uint64(b.all))
}

// richest is who has to give a session so that f gets one: f itself if nobody
// has more.
func (b *budget) richest(f *udpFront) *udpFront {
	b.mu.Lock()
	defer b.mu.Unlock()
	most := f
	for other, n := range b.of {
		if n > b.of[most] {
			most = other
		}
	}
	return most
}
