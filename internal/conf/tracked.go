package conf

import (
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// BFD is a bfd_instance block: one session with one neighbour.
type BFD struct {
	Name              string
	Neighbour, Source netip.Addr // of one family; Source may be invalid
	// MinRx, MinTx (default 10 ms) and IdleTx (default 1 s) are whole
	// microseconds.
	MinRx, MinTx, IdleTx time.Duration
	Multiplier           int // 1–255, default 5
	Passive              bool
	TTL                  int // of what is sent, also the hop limit
	MaxHops              int // 255: not looked at
	Multihop             bool
	Weight               int
	Reverse              bool
	VRRP, Checker        bool // tell only the one; both or none: tell both
	Pos                  Pos
}

// Defaults of a bfd_instance (keepalived.conf(5)).
const (
	bfdInterval   = 10 * time.Millisecond
	bfdIdle       = time.Second
	bfdMultiplier = 5
	bfdTTL        = 255
	bfdHopLimit   = 64
	bfdAnyHops    = 255
)

// How arguments of processes are compared (TrackProcess.Match).
const (
	MatchExact   = "exact"
	MatchInitial = "initial" // the last may go on
	MatchPartial = "partial" // more may follow
)

// TrackProcess is a vrrp_track_process block.
type TrackProcess struct {
	Name    string
	Program string
	Params  []string
	// Match says how Params are compared; empty: they are not.
	Match       string
	FullCommand bool
	Weight      int // default 1
	Reverse     bool
	// Quorum (default 1) to QuorumMax (default 65535) must run.
	Quorum, QuorumMax         int
	ForkDelay, TerminateDelay time.Duration
	Pos                       Pos
}

// processAny is quorum_max where it is not given.
const processAny = 65535

func beginBFD(l *loader, s *stmt) {
	define("track_bfd")(l, s)
	l.bfd = &BFD{
		Name: s.Text(), MinRx: bfdInterval, MinTx: bfdInterval, IdleTx: bfdIdle, Multiplier: bfdMultiplier,
		Pos: l.pos(s.Words()[0]),
	}
	l.bfdHops = false
}

// endBFD keeps it, if it has a neighbour; of several with a name the first.
func endBFD(l *loader) {
	b := l.bfd
	needs("track_bfd", "neighbor_ip")(l)
	if !l.named["track_bfd "+b.Name] || l.cfg.BFD(b.Name) != nil || !b.Neighbour.IsValid() {
		return
	}
	if b.Source.IsValid() && family(b.Source) != family(b.Neighbour) {
		l.fault("HF032", l.defined, "bfd_instance "+b.Name+": source_ip and neighbor_ip are not of one family, it is ignored", "", "")
		delete(l.named, "track_bfd "+b.Name)
		return
	}
	if b.TTL == 0 {
		b.TTL = map[int]int{4: bfdTTL, 6: bfdHopLimit}[family(b.Neighbour)]
	}
	switch {
	case b.MaxHops < 0, b.Multihop && !l.bfdHops:
		b.MaxHops = bfdAnyHops
	case b.MaxHops > b.TTL && b.MaxHops != bfdAnyHops:
		b.MaxHops = b.TTL
	}
	l.cfg.BFDs = append(l.cfg.BFDs, b)
}

// BFD is the bfd_instance of a name, nil if there is none.
func (c *Config) BFD(name string) *BFD {
	if i := slices.IndexFunc(c.BFDs, func(b *BFD) bool { return b.Name == name }); i >= 0 {
		return c.BFDs[i]
	}
	return nil
}

func beginProcess(l *loader, s *stmt) {
	define("track_process")(l, s)
	l.process = &TrackProcess{Name: s.Text(), Weight: 1, Quorum: 1, QuorumMax: processAny, Pos: l.pos(s.Words()[0])}
}

func setProcess(l *loader, s *stmt) {
	given := l.definedHas != ""
	if has(l, s); given {
		return
	}
	w := s.Words()
	l.process.Program = w[0].Text
	for _, p := range w[1:] {
		l.process.Params = append(l.process.Params, p.Text)
	}
}

// endProcess keeps it, if it has a program; of several with a name the first.
func endProcess(l *loader) {
	p := l.process
	needs("track_process", "process")(l)
	if !l.named["track_process "+p.Name] || l.cfg.TrackProcess(p.Name) != nil {
		return
	}
	if len(p.Params) > 0 && p.Match == "" {
		p.Match = MatchExact
	}
	l.cfg.TrackProcesses = append(l.cfg.TrackProcesses, p)
}

// TrackProcess is the vrrp_track_process of a name, nil if there is none.
func (c *Config) TrackProcess(name string) *TrackProcess {
	if i := slices.IndexFunc(c.TrackProcesses, func(p *TrackProcess) bool { return p.Name == name }); i >= 0 {
		return c.TrackProcesses[i]
	}
	return nil
}

// weighs is what a tracked thing adds by itself, where a reference does not say;
// false: there is none of that name.
func (l *loader) weighs(kind, name string) (weight int, reverse, ok bool) {
	switch kind {
	case "track_file":
		if f := l.cfg.TrackFile(name); f != nil {
			return f.Weight, f.Reverse, true
		}
	case "track_process":
		if p := l.cfg.TrackProcess(name); p != nil {
			return p.Weight, p.Reverse, true
		}
	case "track_bfd":
		if b := l.cfg.BFD(name); b != nil {
			return b.Weight, b.Reverse, true
		}
	}
	return 0, false, false
}

func trackFiles(l *loader, s *stmt)     { l.trackNamed(s, "track_file", l.tracks.files) }
func trackProcesses(l *loader, s *stmt) { l.trackNamed(s, "track_process", l.tracks.processes) }
func trackBFDs(l *loader, s *stmt)      { l.trackNamed(s, "track_bfd", l.tracks.bfds) }

// trackNamed reads a reference to something that is defined elsewhere, and
// earlier.
func (l *loader) trackNamed(s *stmt, kind string, into *[]Track) {
	w := s.Node.Words[0]
	if !l.named[kind+" "+w.Text] {
		s.Fault("HF023", diag.Error, w, "there is no "+kind+" "+w.Text+" above, the line is ignored", "the name of a "+kind)
		return
	}
	if !l.track(s, into) {
		return
	}
	t := &(*into)[len(*into)-1]
	if _, reverse, ok := l.weighs(kind, t.Name); ok && t.WeightSet && !saysReverse(s) {
		t.Reverse = reverse
	}
}
