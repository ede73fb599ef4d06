package vrrpd

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/loop"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// followers are n instances that follow one file by its number, all masters.
func followers(t *testing.T, n int) *bench {
	t.Helper()
	var all []*conf.VRRPInstance
	for i := range n {
		c := instance(fmt.Sprint("VI_", i), i+1, 100, fmt.Sprintf("192.0.2.%d/24", i+20))
		c.TrackFiles = []conf.Track{{Name: "f", Weight: 1, WeightSet: true}}
		all = append(all, c)
	}
	cfg := config(all...)
	cfg.TrackFiles = []*conf.TrackFile{{Name: "f", Path: "/nowhere"}}
	b := start(t, cfg)
	b.holds(0)
	b.pass(5 * time.Second)
	if b.masters != n {
		t.Fatalf("%d masters of %d", b.masters, n)
	}
	b.said()
	return b
}

// holds has the file hold a number.
func (b *bench) holds(n int) {
	b.step(vrrp.Track{Name: build.FileTrack("f"), Up: n == 0, Number: n, Why: fmt.Sprint("holds ", n)})
}

// What happens to very many at once is told in turns: the same, in the same
// order, as if it were told at once; and nothing waits for a reload.
func TestMuchIsToldInTurns(t *testing.T) {
	const n = 3*wordsAtOnce + 7
	inTurns, atOnce := followers(t, n), followers(t, n)
	l, err := loop.New()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Stop()
	inTurns.loop = l // adverts may be due
	for _, b := range []*bench{inTurns, atOnce} {
		b.holds(5)
	}
	if at, ok := inTurns.nextWords(); !ok || at > inTurns.at {
		t.Fatalf("the rest waits for %v, %v", at, ok)
	}
	inTurns.holds(-3) // what comes meanwhile is told behind it
	atOnce.holds(-3)
	var said []string
	for more := true; more; {
		lines := strings.Split(inTurns.said(), "\n")
		if len(lines) > wordsAtOnce {
			t.Fatalf("%d lines in one turn", len(lines))
		}
		said = append(said, lines...)
		if _, more = inTurns.nextWords(); more {
			inTurns.tickWords(inTurns.at, 0)
		}
	}
	if got, want := strings.Join(said, "\n"), atOnce.said(); got != want {
		t.Errorf("told in turns:\n%s\nand at once:\n%s", got, want)
	}
	if len(said) != 2*n {
		t.Errorf("%d lines", len(said))
	}

	inTurns.holds(7)
	inTurns.loop = nil // a reload would ask more of it
	inTurns.tellRest()
	if lines := strings.Split(inTurns.said(), "\n"); len(lines) != n {
		t.Errorf("%d lines before a reload, want %d", len(lines), n)
	}
}
