package lvs

import (
	"cmp"
	"slices"
	"strconv"
)

// tier are the servers of one rank, counted. Those that a command keeps out do
// not count.
type tier struct {
	number int
	total  int // servers of which something is known
	up     int // of these, those whose checks are content
	weight int // of these
	quorum bool
}

// sorryServes stands for a tier while the sorry server stands in.
const sorryServes = -2

// enrol makes the tiers of a configuration; those that were there keep whether
// they have quorum.
func (p *Pool) enrol() {
	had := p.tiers
	p.tiers = nil
	for i := range p.cfg.Servers {
		n := p.cfg.Servers[i].Tier
		if at, seen := p.tierOf(n); !seen {
			p.tiers = slices.Insert(p.tiers, at, tier{number: n})
		}
	}
	for _, t := range had {
		if at, stays := p.tierOf(t.number); stays {
			p.tiers[at].quorum = t.quorum
		}
	}
}

func (p *Pool) tierOf(number int) (at int, there bool) {
	return slices.BinarySearchFunc(p.tiers, number, func(t tier, n int) int { return cmp.Compare(t.number, n) })
}

// count adds server i to the sums, or with -1 takes it away.
func (p *Pool) count(i, sign int) {
	s := &p.state[i]
	if p.cfg.Servers[i].Override.out() {
		return
	}
	p.eligible += sign
	if s.unknown {
		return
	}
	t := &p.tiers[s.tier]
	t.total += sign
	if s.ok {
		t.up += sign
		t.weight += sign * s.weight
	}
}

// judge decides on quorum, on who serves and on panic, and reports whether
// that changed for all servers. Verdicts count as they are: who is only held
// in weighs nothing.
func (p *Pool) judge(first bool) (changed bool) {
	q, h := p.cfg.Quorum, p.cfg.Hysteresis
	serving, weight := AllTiers, 0
	for i := range p.tiers {
		t := &p.tiers[i]
		switch {
		case !t.quorum && t.weight >= q+h:
			t.quorum = true
		case t.quorum && t.weight < max(q-h, 1):
			t.quorum = false
		}
		if serving < 0 {
			weight = max(weight, t.weight)
			if t.quorum {
				serving, weight = t.number, t.weight
			}
		}
	}
	p.judgeQuorum(serving >= 0, weight, first)
	if p.SorryInUse() {
		serving = sorryServes
	}
	was, panicked := p.serving, p.panics
	p.serving = serving
	p.judgeTier(was, first)
	p.judgePanic()
	return was != p.serving || panicked != p.panics
}

func (p *Pool) judgeQuorum(quorum bool, weight int, first bool) {
	q, h := p.cfg.Quorum, p.cfg.Hysteresis
	switch {
	case quorum && !p.quorum:
		p.quorum = true
		p.markSorry()
		p.say(QuorumGained{Quorum: q, Hysteresis: h, Weight: weight, First: first})
		if p.cfg.Sorry != nil && !first {
			p.say(SorryOut{Sorry: p.cfg.Sorry})
		}
	case !quorum && (p.quorum || first):
		p.quorum = false
		p.markSorry()
		p.say(QuorumLost{Quorum: q, Hysteresis: h, Weight: weight, First: first})
		if p.cfg.Sorry != nil {
			p.say(SorryIn{Sorry: p.cfg.Sorry})
		}
	}
}

// judgeTier tells of another tier; the first one at the start is no news, and
// neither is a sorry server, which was told already.
func (p *Pool) judgeTier(was int, first bool) {
	if len(p.tiers) < 2 || p.serving == sorryServes {
		return
	}
	if first {
		was = p.tiers[0].number
	}
	if was != p.serving {
		p.say(TierChanged{From: was, To: p.serving})
	}
}

// judgePanic looks at the servers that would serve.
func (p *Pool) judgePanic() {
	up, total := p.census()
	want := p.cfg.Panic > 0 && p.serving != sorryServes && total > 0 && up*100 < p.cfg.Panic*total
	switch {
	case want && !p.panics:
		p.say(PanicBegan{Up: up, Of: total, Threshold: p.cfg.Panic})
	case !want && p.panics:
		p.say(PanicEnded{Up: up, Of: total, Threshold: p.cfg.Panic})
	}
	p.panics = want
}

// census counts the servers of the tier that serves.
func (p *Pool) census() (up, total int) {
	for i := range p.tiers {
		if t := &p.tiers[i]; p.serving < 0 || t.number == p.serving {
			up, total = up+t.up, total+t.total
		}
	}
	return up, total
}

// serves reports whether a server's tier serves.
func (p *Pool) serves(cfg *ServerConfig) bool {
	return p.serving == AllTiers || p.serving == cfg.Tier
}

// Panics reports whether so few servers are up that all get traffic.
func (p *Pool) Panics() bool { return p.panics }

// Tier says which tier serves: its number, "all", or "none" while the sorry
// server does; nothing where there is one only.
func (p *Pool) Tier() string {
	switch {
	case len(p.tiers) < 2:
		return ""
	case p.serving == sorryServes:
		return "none"
	case p.serving == AllTiers:
		return "all"
	}
	return strconv.Itoa(p.serving)
}
