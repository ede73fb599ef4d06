package vrrpd

import (
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
)

// masters is a daemon with n masters, that has spoken for a while.
func masters(t testing.TB, n int) *bench {
	b := newBench(t)
	b.begin(multitude(n, 100))
	b.pass(5 * time.Second)
	return b
}

// Whoever asks much waits for adverts, and not they for the answer: between any
// two routers that are looked at, those are sent that are due.
func TestAdvertsGoWhileSomebodyAsks(t *testing.T) {
	const routers = 50
	b := masters(t, routers)
	var turns int
	b.yield = func() {
		turns++
		b.pass(100 * time.Millisecond) // one advert of each
	}
	before := make([]uint64, routers)
	for i, e := range b.edges {
		before[i] = e.counters.sent
	}
	seen := b.survey(false)
	if turns < routers {
		t.Fatalf("let others go first %d times while looking at %d routers", turns, routers)
	}
	for i, s := range seen.status().Instances {
		if got, want := s.Counters["advert_sent"], before[i]+uint64(i); got != want {
			t.Errorf("router %d: %d adverts when it was looked at, not %d", i, got, want)
		}
	}
}

// What was seen stays as it was seen, whatever becomes of the routers while
// somebody makes words of it: the race detector looks on.
func TestAnswersShareNothingWithTheLoop(t *testing.T) {
	own := instance("VI_1", 51, 100, "192.0.2.100/24")
	own.TrackIfaces = []conf.Track{{Name: "eth1", Weight: -10}}
	b := start(t, config(own))
	b.pass(5 * time.Second)
	seen := b.survey(false)
	words := make(chan string)
	go func() { words <- fmt.Sprint(seen.status().Instances, seen.dump().Routers) }()
	b.pass(time.Minute)
	b.hear("192.0.2.12", 51, 200)
	b.adopt(build.FromVRRP(config(instance("VI_1", 51, 90, "192.0.2.101/24"))))
	first := <-words
	if again := fmt.Sprint(seen.status().Instances, seen.dump().Routers); again != first {
		t.Errorf("seen was\n%s\nand became\n%s", first, again)
	}
}

// Counters begin anew from what was told of them: nothing is counted twice, or
// never.
func TestClearedCountersAreThoseThatWereTold(t *testing.T) {
	b := masters(t, 10)
	var total uint64
	for _, e := range b.edges {
		total += e.counters.sent
	}
	b.yield = func() { b.pass(100 * time.Millisecond); total += 10 }
	var told uint64
	for _, r := range b.survey(true).dump().Routers {
		told += r.Counters["advert_sent"]
	}
	for _, e := range b.edges {
		told += e.counters.sent
	}
	if told != total {
		t.Errorf("%d adverts told and counted since, %d sent", told, total)
	}
}

func BenchmarkSurvey(b *testing.B) {
	for _, n := range []int{1000, 5000} {
		d := masters(b, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.survey(false)
			}
		})
		b.Run(fmt.Sprint(n, "/words"), func(b *testing.B) {
			seen := d.survey(false)
			for b.Loop() {
				seen.status()
			}
		})
	}
}
