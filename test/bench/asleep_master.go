// A master that is stopped for a while and goes on: alone it has nobody to give
// way to, and beside a backup that took over there are two until one yields.
// What counts is what the kernels of the two had, and what the daemons said.
package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
)

// masters are routers of which the master sleeps.
type masters struct {
	holders holders
	lone    bool
}

func newMasters(r *routers, lone bool) (*masters, error) {
	m := &masters{lone: lone, holders: holders{done: make(chan struct{})}}
	if lone {
		if err := r.backup.Stop(); err != nil {
			return nil, err
		}
	}
	for i, node := range []string{"r1", "r2"} {
		if err := r.lab.Get(node).Do(func() error { return m.holders.watch(i) }); err != nil {
			m.close()
			return nil, err
		}
	}
	return m, nil
}

func (m *masters) close() { close(m.holders.done) }

// slept is what became of masters that slept for so long.
type slept struct {
	lone    bool
	runs    int
	changes int            // of state, of both routers
	removed int            // how often the master's kernel lost the address
	after   map[string]int // who had the address in the end
	asleep  time.Duration  // how long two had it at most, until the master went on
	awake   time.Duration  // and since then
	nobody  time.Duration  // how long nobody had it at most
}

func (s slept) String() string {
	text := fmt.Sprintf("%d state changes, %d removals of the address", s.changes, s.removed)
	for _, who := range slices.Sorted(maps.Keys(s.after)) {
		text += fmt.Sprintf("; %s has it %d of %d", who, s.after[who], s.runs)
	}
	if !s.lone {
		text += fmt.Sprintf("; two had it for %.1f ms asleep, %.1f ms awake, nobody for %.1f ms", ms(s.asleep), ms(s.awake), ms(s.nobody))
	}
	return text
}

// masterSleeps is one sleep of the master, added to what there was.
func (m *masters) masterSleeps(n nap, _ daemon, r *routers, length time.Duration, was result) (result, error) {
	if err := r.steady(); err != nil {
		return nil, err
	}
	before, begin := stateChanges(r), time.Now()
	if err := n.stop(r.master, length); err != nil {
		return nil, err
	}
	woke := time.Now()
	// It may listen, follow, and preempt again.
	time.Sleep(2*r.mdi + 2*r.advert + time.Second)
	end := time.Now()
	s, _ := was.(slept)
	if s.after == nil {
		s = slept{lone: m.lone, after: map[string]int{}}
	}
	s.runs++
	s.changes += stateChanges(r) - before
	story := m.holders.story()
	s.after[at(story, end).String()]++
	s.removed += removals(story, begin, end)
	both, neither := has{true, true}, has{}
	s.asleep = max(s.asleep, held(story, both, begin, woke))
	s.awake = max(s.awake, held(story, both, woke, end))
	s.nobody = max(s.nobody, held(story, neither, begin, end))
	if len(story) == 0 {
		return nil, errors.New("nobody has ever had the address")
	}
	return s, nil
}

// stateChanges is how many both routers have logged.
func stateChanges(r *routers) (n int) {
	for _, log := range []string{r.master.Log(), r.backup.Log()} {
		for _, state := range []string{"MASTER", "BACKUP", "FAULT"} {
			n += strings.Count(log, "Entering "+state+" STATE")
		}
	}
	return n
}

// has tells which of the two kernels have the virtual address.
type has [2]bool

func (h has) String() string {
	switch h {
	case has{true, true}:
		return "each of them"
	case has{true, false}:
		return "who slept"
	case has{false, true}:
		return "the other"
	}
	return "nobody"
}

// holding is who has the address from an instant on.
type holding struct {
	from time.Time
	has  has
}

// holders watches the addresses of two kernels.
type holders struct {
	mu   sync.Mutex
	all  []holding
	done chan struct{}
}

// watch must be called on a thread that is in the namespace of router i.
func (h *holders) watch(i int) error {
	updates := make(chan netlink.AddrUpdate, 64)
	err := netlink.AddrSubscribeWithOptions(updates, h.done, netlink.AddrSubscribeOptions{ListExisting: true})
	if err != nil {
		return fmt.Errorf("watch the addresses of router %d: %w", i+1, err)
	}
	go func() {
		for u := range updates {
			if u.LinkAddress.IP.Equal(virtualAddr.AsSlice()) {
				h.set(i, u.NewAddr)
			}
		}
	}()
	return nil
}

func (h *holders) set(i int, have bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := holding{from: time.Now()}
	if len(h.all) > 0 {
		next.has = h.all[len(h.all)-1].has
	}
	if next.has[i] == have {
		return
	}
	next.has[i] = have
	h.all = append(h.all, next)
}

// story is who had the address since the beginning.
func (h *holders) story() []holding {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.all)
}

// at is who has the address at an instant.
func at(story []holding, t time.Time) (h has) {
	for _, s := range story {
		if !s.from.After(t) {
			h = s.has
		}
	}
	return h
}

// removals is how often the first router lost the address between two instants.
func removals(story []holding, from, to time.Time) (n int) {
	had := false
	for _, s := range story {
		if had && !s.has[0] && s.from.After(from) && s.from.Before(to) {
			n++
		}
		had = s.has[0]
	}
	return n
}

// held is for how long between two instants just these had the address.
func held(story []holding, who has, from, to time.Time) (sum time.Duration) {
	for i, s := range story {
		begin, end := s.from, to
		if i+1 < len(story) {
			end = story[i+1].from
		}
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		if s.has == who && end.After(begin) {
			sum += end.Sub(begin)
		}
	}
	return sum
}
