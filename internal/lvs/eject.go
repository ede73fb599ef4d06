package lvs

import (
	"cmp"
	"slices"
)

// ejection is who goes and who stays in where checks may take out only some
// [max_eject]: of those that fail, the first ones go. An event costs what it
// changes, however many fail.
type ejection struct {
	queue []int32 // servers that fail and that no command keeps out, the first to fail first
	out   int     // so many of them go, the others are held
	known int     // of so many that is settled; who comes after has just begun to fail
}

// allowed is how many servers checks may take out: one at least, or none ever
// went from a small pool.
func (p *Pool) allowed() int {
	if p.cfg.MaxEject == 0 {
		return p.eligible
	}
	return max(1, p.eligible*p.cfg.MaxEject/100)
}

// enqueue makes the queue of a configuration; eject settles all of it.
func (p *Pool) enqueue() {
	p.ejection = ejection{}
	for i := range p.state {
		switch {
		case p.fails(i):
			p.queue = append(p.queue, int32(i)) // bounded by the configuration's size
		case p.state[i].held:
			p.hold(i, false)
		}
	}
	slices.SortFunc(p.queue, func(a, b int32) int { return cmp.Compare(p.state[a].failed, p.state[b].failed) })
}

// fails reports whether server i is of those that max_eject is about.
func (p *Pool) fails(i int) bool {
	return p.cfg.MaxEject > 0 && p.state[i].failed > 0 && !p.cfg.Servers[i].Override.out()
}

// leaveQueue takes server i out, which failed as number failed.
func (p *Pool) leaveQueue(i int, failed uint64) {
	at, _ := p.rank(failed)
	p.queue = slices.Delete(p.queue, at, at+1)
	if at < p.out {
		p.out--
	}
	if at < p.known {
		p.known--
	}
	if p.state[i].held {
		p.hold(i, false)
	}
}

// joinQueue puts server i in, behind those that failed before it.
func (p *Pool) joinQueue(i int) {
	at, _ := p.rank(p.state[i].failed)
	p.queue = slices.Insert(p.queue, at, int32(i)) // bounded by the configuration's size
	if at >= p.known {
		return
	}
	p.known++
	if at < p.out {
		p.out++
	} else {
		p.hold(i, true)
	}
}

func (p *Pool) rank(failed uint64) (int, bool) {
	return slices.BinarySearchFunc(p.queue, failed, func(i int32, n uint64) int {
		if s := &p.state[i]; s.failed > 0 {
			return cmp.Compare(s.failed, n)
		}
		return 0 // the one that is looked for
	})
}

// eject decides which of the servers that fail go, and which stay in since too
// many are out.
func (p *Pool) eject() {
	want := min(p.allowed(), len(p.queue))
	for ; p.known < len(p.queue); p.known++ {
		p.hold(int(p.queue[p.known]), p.known >= want)
	}
	for ; p.out < want; p.out++ {
		p.hold(int(p.queue[p.out]), false)
	}
	for ; p.out > want; p.out-- {
		p.hold(int(p.queue[p.out-1]), true)
	}
}

func (p *Pool) hold(i int, held bool) {
	if p.state[i].held == held {
		return
	}
	p.state[i].held = held
	p.touched = append(p.touched, i)
	p.mark(i)
}
