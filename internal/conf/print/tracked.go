package print

import (
	"strconv"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// BFD is a bfd_instance.
func BFD(s *conf.BFD) *Block {
	b := &Block{Keyword: "bfd_instance", Name: []string{s.Name}, Pos: s.Pos}
	b.str("neighbor_ip", s.Neighbour.String(), "")
	if s.Source.IsValid() {
		b.str("source_ip", s.Source.String(), "")
	}
	b.millis("min_rx", s.MinRx, 10*time.Millisecond)
	b.millis("min_tx", s.MinTx, 10*time.Millisecond)
	b.millis("idle_tx", s.IdleTx, time.Second)
	b.num("multiplier", s.Multiplier, 5)
	b.flag("passive", s.Passive)
	if s.Neighbour.Is4() {
		b.num("ttl", s.TTL, 255)
	} else {
		b.num("hoplimit", s.TTL, 64)
	}
	hops := 0
	if s.Multihop {
		hops = 255
	}
	b.num("max_hops", s.MaxHops, hops)
	b.on("multihop", s.Multihop, false)
	b.weigh(s.Weight, s.Reverse)
	b.flag("vrrp", s.VRRP)
	b.flag("checker", s.Checker)
	return b
}

// millis is a time that is given in milliseconds.
func (b *Block) millis(keyword string, v, d time.Duration) {
	ms := float64(v) / float64(time.Millisecond)
	b.set(Setting{Keyword: keyword, Words: []string{strconv.FormatFloat(ms, 'f', -1, 64)}, Value: v.Seconds(), Implied: v == d})
}

// TrackProcess is a vrrp_track_process.
func TrackProcess(p *conf.TrackProcess) *Block {
	b := &Block{Keyword: "vrrp_track_process", Name: []string{p.Name}, Pos: p.Pos}
	argv := append([]string{p.Program}, p.Params...)
	b.set(Setting{Keyword: "process", Words: argv, Value: argv})
	switch p.Match {
	case conf.MatchInitial, conf.MatchPartial:
		b.set(Setting{Keyword: "param_match", Words: []string{p.Match}, Value: p.Match})
	default: // with arguments this is so without saying
		b.flag("param_match", p.Match == conf.MatchExact && len(p.Params) == 0)
	}
	b.weigh(p.Weight, p.Reverse)
	b.num("quorum", p.Quorum, 1)
	b.num("quorum_max", p.QuorumMax, 65535)
	b.dur("fork_delay", p.ForkDelay, 0)
	b.dur("terminate_delay", p.TerminateDelay, 0)
	b.flag("full_command", p.FullCommand)
	return b
}
