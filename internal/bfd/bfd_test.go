package bfd

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

const ms = time.Millisecond

func config(discriminator uint32) Config {
	return Config{Discriminator: discriminator, MinTx: 10 * ms, MinRx: 10 * ms, IdleTx: time.Second, Multiplier: 3}
}

// pair is two sessions and the wire between them.
type pair struct {
	t    testing.TB
	rand *rand.Rand
	now  clock.Instant
	ends [2]*Session
	cut  [2]bool // what this end sends is lost
	loss float64
	slow time.Duration // the longest time on the way
	twin float64       // how many packets arrive twice
	air  []flight
	seen [2][]Become
	sent [2]int
}

type flight struct {
	at clock.Instant
	to int
	p  wire.BFD
}

func newPair(t testing.TB, a, b Config) *pair {
	p := &pair{t: t, rand: rand.New(rand.NewPCG(1, 2)), now: clock.Instant(time.Hour)}
	p.ends = [2]*Session{New(p.now, a, 1), New(p.now, b, 2)}
	return p
}

func (p *pair) step(i int, ev Event) {
	for _, a := range p.ends[i].Step(p.now, ev) {
		switch a := a.(type) {
		case Become:
			p.seen[i] = append(p.seen[i], a)
		case Send:
			p.sent[i]++
			raw := wire.AppendBFD(nil, &a.Packet)
			var q wire.BFD
			if f := wire.ParseBFD(&q, raw); f != wire.BFDGood {
				p.t.Fatalf("sent %+v: %v", a.Packet, f)
			}
			copies := 1
			if p.twin > 0 && p.rand.Float64() < p.twin {
				copies = 2
			}
			for range copies {
				if !p.cut[i] && p.rand.Float64() >= p.loss {
					p.air = append(p.air, flight{p.now.Add(time.Duration(p.rand.Float64() * float64(p.slow))), 1 - i, q})
				}
			}
		}
	}
}

// run lets time pass.
func (p *pair) run(d time.Duration) {
	end := p.now.Add(d)
	for turns := 0; ; turns++ {
		if turns > 1_000_000 || len(p.air) > 10_000 {
			p.t.Fatalf("time does not pass, %d packets are on their way", len(p.air))
		}
		at, next := end, func() {}
		for i, s := range p.ends {
			if due, ok := s.Deadline(); ok && due.Before(at) {
				at, next = due, func() { p.step(i, Tick{}) }
			}
		}
		for i, f := range p.air {
			if f.at <= at {
				at, next = f.at, func() { p.air = slices.Delete(p.air, i, i+1); p.step(f.to, Heard{f.p}) }
			}
		}
		if at >= end {
			p.now = end
			return
		}
		p.now = max(p.now, at)
		next()
	}
}

func (p *pair) want(a, b wire.BFDState) {
	p.t.Helper()
	if p.ends[0].State() != a || p.ends[1].State() != b {
		p.t.Fatalf("%v and %v, want %v and %v", p.ends[0].State(), p.ends[1].State(), a, b)
	}
}

func TestComesUp(t *testing.T) {
	p := newPair(t, config(1), config(2))
	p.run(100 * ms)
	p.want(wire.BFDUp, wire.BFDUp)
	for i, s := range p.ends {
		if v := s.View(); v.Polling || v.Detect != 30*ms || v.Tx != 10*ms || v.Remote != uint32(2-i) {
			t.Errorf("%d: %+v", i, v)
		}
	}
}

// RFC 5880 §6.8.7: a jitter of up to 25 percent, so ten milliseconds are 100 to
// 134 packets a second.
func TestRate(t *testing.T) {
	p := newPair(t, config(1), config(2))
	p.run(time.Second)
	before := p.sent[0]
	p.run(10 * time.Second)
	if n := p.sent[0] - before; n < 1000 || n > 1340 {
		t.Errorf("%d packets in ten seconds", n)
	}
}

func TestSlowWhileDown(t *testing.T) {
	p := newPair(t, config(1), config(2))
	p.cut = [2]bool{true, true}
	p.run(10 * time.Second)
	if p.sent[0] < 10 || p.sent[0] > 15 {
		t.Errorf("%d packets in ten seconds", p.sent[0])
	}
	p.want(wire.BFDDown, wire.BFDDown)
}

func TestCutOneWay(t *testing.T) {
	p := newPair(t, config(1), config(2))
	p.run(time.Second)
	p.seen = [2][]Become{}
	p.cut[0] = true
	p.run(31 * ms)
	p.want(wire.BFDDown, wire.BFDDown)
	if b := p.seen[1][0]; b.Diag != wire.BFDDetectExpired || b.Detect != 30*ms {
		t.Errorf("%+v", b)
	}
	if b := p.seen[0][0]; b.Diag != wire.BFDNeighbourDown || b.Their != wire.BFDDetectExpired {
		t.Errorf("%+v", b)
	}
	// As long as it is cut it does not come up.
	p.seen = [2][]Become{}
	p.run(10 * time.Second)
	for i := range p.seen {
		if slices.ContainsFunc(p.seen[i], func(b Become) bool { return b.To == wire.BFDUp }) {
			t.Errorf("%d came up over half a wire", i)
		}
	}
	p.cut[0] = false
	p.run(2 * time.Second)
	p.want(wire.BFDUp, wire.BFDUp)
}

func TestPassive(t *testing.T) {
	a, b := config(1), config(2)
	a.Passive = true
	p := newPair(t, a, b)
	p.run(100 * ms)
	p.want(wire.BFDUp, wire.BFDUp)
	b.Passive = true
	p = newPair(t, a, b)
	p.run(10 * time.Second)
	if p.sent != [2]int{} {
		t.Errorf("two passive ends sent %v", p.sent)
	}
}

func TestStop(t *testing.T) {
	p := newPair(t, config(1), config(2))
	p.run(time.Second)
	p.seen = [2][]Become{}
	p.step(0, Stop{})
	p.run(time.Millisecond)
	p.want(wire.BFDAdminDown, wire.BFDDown)
	if b := p.seen[1][0]; b.Diag != wire.BFDNeighbourDown || b.Their != wire.BFDDiagAdminDown || !b.Orderly {
		t.Errorf("%+v", b)
	}
	if _, ok := p.ends[0].Deadline(); ok {
		t.Error("has a deadline after its end")
	}
}

// Slower and faster intervals, another multiplier: nothing of it takes a session
// down, whatever the order in which the ends learn of it.
func TestReconfigure(t *testing.T) {
	for _, change := range []Config{
		{MinTx: 500 * ms, MinRx: 10 * ms, Multiplier: 3},
		{MinTx: 10 * ms, MinRx: 500 * ms, Multiplier: 3},
		{MinTx: ms, MinRx: ms, Multiplier: 3},
		{MinTx: 300 * ms, MinRx: 300 * ms, Multiplier: 1},
		{MinTx: 10 * ms, MinRx: 10 * ms, Multiplier: 50},
	} {
		for _, slow := range []time.Duration{0, 9 * ms} {
			p := newPair(t, config(1), config(2))
			p.run(time.Second)
			p.slow = slow
			p.seen = [2][]Become{}
			change.IdleTx, change.Discriminator = time.Second, 7
			p.step(0, Reconfigure{change})
			p.run(5 * time.Second)
			if len(p.seen[0])+len(p.seen[1]) > 0 {
				t.Errorf("%+v after %v: %+v", change, slow, p.seen)
			}
			v := p.ends[0].View()
			if v.Polling || v.Tx != max(change.MinTx, 10*ms) || v.Local != 1 {
				t.Errorf("%+v: %+v", change, v)
			}
		}
	}
}

// RFC 5880 §6.8.3: until the Poll Sequence is over the old intervals count.
func TestPollBeforeSlower(t *testing.T) {
	p := newPair(t, config(1), config(2))
	p.run(time.Second)
	c := config(1)
	c.MinTx = time.Second
	p.cut[1] = true // its Final does not come
	p.step(0, Reconfigure{c})
	if v := p.ends[0].View(); v.Tx != 10*ms || !v.Polling {
		t.Errorf("%+v", v)
	}
}

// "A system MUST NOT periodically transmit BFD Control packets if
// bfd.RemoteMinRxInterval is zero", nor to whom asks for demand mode.
func TestTold(t *testing.T) {
	p := newPair(t, config(1), config(2))
	p.run(time.Second)
	quiet := wire.BFD{State: wire.BFDUp, Multiplier: 3, My: 2, Your: 1, MinTx: 10 * ms}
	p.step(0, Heard{quiet})
	if p.ends[0].sends() {
		t.Error("sends to who cannot receive")
	}
	quiet.MinRx, quiet.Demand = 10*ms, true
	p.step(0, Heard{quiet})
	if p.ends[0].sends() {
		t.Error("sends to who demands")
	}
}

// Whatever is lost, late or out of order: both ends agree in the end, a session
// goes down only for want of packets or because the other one says so, and what
// is never lost is never down.
func TestHistories(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		a, b := config(1), config(2)
		for _, c := range []*Config{&a, &b} {
			c.MinTx = time.Duration(1+r.IntN(50)) * ms
			c.MinRx = time.Duration(1+r.IntN(50)) * ms
			c.Multiplier = uint8(2 + r.IntN(5))
		}
		p := newPair(t, a, b)
		p.rand = r
		name := fmt.Sprintf("seed %d: %+v %+v", seed, a, b)
		for range 20 {
			p.loss, p.slow, p.twin = r.Float64(), time.Duration(r.IntN(100))*ms, float64(r.IntN(3))/2
			p.cut = [2]bool{r.IntN(4) == 0, r.IntN(4) == 0}
			p.run(time.Duration(r.IntN(3000)) * ms)
			p.garbage(r)
		}
		p.loss, p.slow, p.twin, p.cut, p.air = 0, 0, 0, [2]bool{}, nil
		p.run(10 * time.Second)
		if p.ends[0].State() != wire.BFDUp || p.ends[1].State() != wire.BFDUp {
			t.Fatalf("%s: %v and %v at the end", name, p.ends[0].State(), p.ends[1].State())
		}
		p.seen = [2][]Become{}
		p.run(60 * time.Second)
		if len(p.seen[0])+len(p.seen[1]) > 0 {
			t.Fatalf("%s: %+v over a perfect wire", name, p.seen)
		}
	}
}

// Where everything arrives twice and out of order, states change for ever; the
// packets do not become more.
func TestStorm(t *testing.T) {
	p := newPair(t, config(1), config(2))
	p.twin, p.slow = 1, time.Second
	p.run(20 * time.Second)
	// 134 periodic packets a second at most, and the others.
	for i, n := range p.sent {
		if most := 20 * (134 + maxExtras*100); n > most {
			t.Errorf("%d sent %d packets, at most %d are due", i, n, most)
		}
	}
	if len(p.seen[0]) < 20 {
		t.Errorf("%d changes of state: no storm", len(p.seen[0]))
	}
}

// Polls are answered, but not each of a flood, and the flood over again.
func TestPollFlood(t *testing.T) {
	p := newPair(t, config(1), config(2))
	p.run(time.Second)
	poll := wire.BFD{State: wire.BFDUp, Poll: true, Multiplier: 3, My: 2, Your: 1, MinTx: 10 * ms, MinRx: 10 * ms}
	for range 3 {
		before := p.sent[0]
		for range 1000 {
			p.step(0, Heard{poll})
		}
		if n := p.sent[0] - before; n != maxExtras {
			t.Errorf("%d answers, want %d", n, maxExtras)
		}
		p.now = p.now.Add(10 * ms)
	}
}

// garbage is a packet that somebody made up.
func (p *pair) garbage(r *rand.Rand) {
	i := r.IntN(2)
	p.step(i, Heard{wire.BFD{
		State: wire.BFDState(r.IntN(4)), Diag: wire.BFDDiag(r.IntN(32)), Poll: r.IntN(2) == 0, Final: r.IntN(2) == 0,
		Demand: r.IntN(2) == 0, Multiplier: uint8(1 + r.IntN(255)), My: r.Uint32() | 1, Your: uint32(i + 1),
		MinTx: time.Duration(r.IntN(1000)) * ms, MinRx: time.Duration(r.IntN(1000)) * ms,
	}})
}

// Sends are spread over the last quarter of the interval, and with a multiplier
// of one none is later than nine tenths.
func TestJitter(t *testing.T) {
	for _, c := range []struct {
		multiplier  uint8
		least, most time.Duration
	}{{3, 75 * ms, 100 * ms}, {1, 75 * ms, 90 * ms}} {
		s := New(0, Config{Multiplier: c.multiplier, MinTx: ms, MinRx: ms}, 3)
		low, high := time.Hour, time.Duration(0)
		for range 10000 {
			d := s.jittered(100 * ms)
			low, high = min(low, d), max(high, d)
		}
		if low < c.least || high > c.most || high-low < (c.most-c.least)*9/10 {
			t.Errorf("multiplier %d: from %v to %v", c.multiplier, low, high)
		}
	}
}

// What happens for every packet allocates nothing that lasts: a packet in, a
// packet out.
func BenchmarkSession(b *testing.B) {
	s := New(0, config(1), 1)
	in := Event(Heard{wire.BFD{State: wire.BFDInit, Multiplier: 3, My: 2, Your: 1, MinTx: 10 * ms, MinRx: 10 * ms}})
	s.Step(0, in)
	b.ReportAllocs()
	now := clock.Instant(0)
	for b.Loop() {
		now = now.Add(8 * ms)
		s.Step(now, in)
		s.Step(now, Tick{})
	}
}
