package conf

import (
	"math"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
)

// maxBFD is the longest of BFD's times, in milliseconds: 32 bits of µs (RFC
// 5880 §4.1).
const maxBFD = math.MaxUint32 / 1000

// maxProcessDelay is the longest delay of a tracked process.
const maxProcessDelay = time.Hour

// asSeconds is a millisecond of BFD: they are read as if they were seconds.
const asSeconds = int64(time.Second)

func millis(low, high int64) args {
	return args{{Kind: schema.Seconds, Label: "MILLISECONDS", Min: low, Max: high}}
}

var weightReverse = args{{Kind: schema.Number, Min: -253, Max: 253}, {Kind: schema.Enum, Words: []string{"reverse"}, Optional: true}}

func bfd(l *loader) *BFD { return l.bfd }

var bfdRoot = rows{{Name: "bfd_instance", Args: name, Bare: true, Doc: "A BFD session. With --no_bfd it is down for who tracks it, and nothing is known of it for a BFD_CHECK.", Set: beginBFD, End: endBFD, Block: &block{Name: "bfd_instance", Parts: []rows{{
	{Name: "source_ip", Args: address, Doc: "The address to send from.", Set: func(l *loader, s *stmt) { l.bfd.Source = s.Value(0).Addr }},
	{Name: "neighbor_ip", Args: address, Doc: "The other side.", Set: bfdNeighbour},
	{Name: "neighbour_ip", Args: address, Doc: "Another spelling of neighbor_ip.", Set: bfdNeighbour},
	{Name: "min_rx", Args: millis(asSeconds, maxBFD*asSeconds), Doc: "How often packets may come at most; 10 by default.", To: thousandth(func(l *loader) *time.Duration { return &bfd(l).MinRx })},
	{Name: "min_tx", Args: millis(asSeconds, maxBFD*asSeconds), Doc: "How often packets are sent; 10 by default.", To: thousandth(func(l *loader) *time.Duration { return &bfd(l).MinTx })},
	{Name: "idle_tx", Args: millis(1000*asSeconds, maxBFD*asSeconds), Doc: "How often packets are sent while there is no session; 1000 by default.", To: thousandth(func(l *loader) *time.Duration { return &bfd(l).IdleTx })},
	{Name: "multiplier", Args: num(1, 255), Doc: "How many packets may be missed; 5 by default.", To: integer(func(l *loader) *int { return &bfd(l).Multiplier })},
	{Name: "passive", Doc: "Wait for the other side to begin.", To: flag(func(l *loader) *bool { return &bfd(l).Passive })},
	{Name: "ttl", Args: num(1, 255), Doc: "The TTL of IPv4 packets; 255 by default.", To: integer(func(l *loader) *int { return &bfd(l).TTL })},
	{Name: "hoplimit", Args: num(1, 255), Doc: "The hop limit of IPv6 packets; 64 by default, though RFC 5881 wants 255.", To: integer(func(l *loader) *int { return &bfd(l).TTL })},
	{Name: "max_hops", Args: num(-1, 255), Doc: "By how much the TTL of a packet may have been reduced; 255 and -1: it is not looked at. 0 by default, with multihop 255.", Set: func(l *loader, s *stmt) {
		l.bfd.MaxHops, l.bfdHops = s.Int(), true
	}},
	{Name: "multihop", Args: on, Since: since24, Doc: "Use port 4784, for more than one hop.", To: flag(func(l *loader) *bool { return &bfd(l).Multihop })},
	{Name: "weight", Args: weightReverse, Doc: "What it adds to priorities.", Set: func(l *loader, s *stmt) { l.bfd.Weight, l.bfd.Reverse = s.Int(), s.Has(1) }},
	{Name: "vrrp", Doc: "Tell VRRP only.", To: flag(func(l *loader) *bool { return &bfd(l).VRRP })},
	{Name: "checker", Doc: "Tell the checkers only.", To: flag(func(l *loader) *bool { return &bfd(l).Checker })},
}}}}}

// thousandth is what is given in milliseconds: the grammar has seconds.
type thousandth func(*loader) *time.Duration

// Keep stores it.
func (f thousandth) Keep(l *loader, s *stmt) {
	*f(l) = (time.Duration(s.Value(0).Int) / 1000).Truncate(time.Microsecond)
}

var trackFileBlock = rows{
	{Name: "file", Args: path, Soft: true, Doc: "The file that holds a number.", Set: func(l *loader, s *stmt) {
		if l.definedHas == "" {
			l.trackFile.Path = s.Text()
		}
		has(l, s)
	}},
	{Name: "weight", Args: args{{Kind: schema.Number, Min: -maxWeight, Max: maxWeight}, {Kind: schema.Enum, Words: []string{"reverse"}, Optional: true}}, Soft: true, Doc: "By how much the number counts; 1 by default.", Set: func(l *loader, s *stmt) {
		l.trackFile.Weight, l.trackFile.Reverse = s.Int(), s.Has(1)
	}},
	{Name: "init_file", Args: args{{Kind: schema.Number, Min: math.MinInt32, Max: math.MaxInt32, Optional: true}, {Kind: schema.Enum, Words: []string{"overwrite"}, Optional: true}}, Doc: "The number to write at start.", Set: func(l *loader, s *stmt) {
		f := l.trackFile
		f.Init, f.Value, f.Overwrite = true, 0, s.Has(1)
		if s.Has(0) {
			f.Value = s.Int()
		}
	}},
}

var trackRoot = rows{
	{Name: "track_file", Args: name, Bare: true, Set: beginTrackFile, End: endTrackFile, Doc: "A file with a number that weighs.", Block: &block{Name: "track_file", Parts: []rows{trackFileBlock}}},
	{Name: "vrrp_track_file", Args: name, Bare: true, Set: beginTrackFile, End: endTrackFile, Doc: "Old word for track_file.", Block: &block{Name: "vrrp_track_file", Parts: []rows{trackFileBlock}}},
	{Name: "vrrp_track_process", Args: name, Bare: true, Set: beginProcess, End: endProcess, Doc: "Processes that must run, or that weigh.", Block: &block{Name: "vrrp_track_process", Parts: []rows{{
		{Name: "process", Args: args{{Kind: schema.Words, Label: "PROGRAM [ARGUMENT …]"}}, Doc: "The program, with arguments to compare.", Set: setProcess},
		{Name: "param_match", Args: optEnum("initial", "partial"), Doc: "How arguments are compared: the last may go on (initial), or others follow (partial); exactly by default. Without arguments: there must be none.", Set: func(l *loader, s *stmt) {
			if l.process.Match = MatchExact; s.Has(0) {
				l.process.Match = s.Text()
			}
		}},
		{Name: "weight", Args: args{{Kind: schema.Number, Min: -254, Max: 254}, {Kind: schema.Enum, Words: []string{"reverse"}, Optional: true}}, Soft: true, Doc: "What they add to priorities; 1 by default.", Set: func(l *loader, s *stmt) {
			l.process.Weight, l.process.Reverse = s.Int(), s.Has(1)
		}},
		{Name: "quorum", Args: num(1, math.MaxUint16), Doc: "How many must run; 1 by default.", To: integer(func(l *loader) *int { return &l.process.Quorum })},
		{Name: "quorum_max", Args: num(0, math.MaxUint16), Doc: "How many may run; any number by default.", To: integer(func(l *loader) *int { return &l.process.QuorumMax })},
		{Name: "delay", Args: secs(time.Microsecond, maxProcessDelay), Doc: "How long a change must last.", Set: func(l *loader, s *stmt) {
			l.process.ForkDelay = time.Duration(s.Value(0).Int)
			l.process.TerminateDelay = l.process.ForkDelay
		}},
		{Name: "fork_delay", Args: secs(time.Microsecond, maxProcessDelay), Doc: "How long the quorum must be met.", To: dur(func(l *loader) *time.Duration { return &l.process.ForkDelay })},
		{Name: "terminate_delay", Args: secs(time.Microsecond, maxProcessDelay), Doc: "How long the quorum must be missed.", To: dur(func(l *loader) *time.Duration { return &l.process.TerminateDelay })},
		{Name: "full_command", Doc: "Compare whole command lines.", To: flag(func(l *loader) *bool { return &l.process.FullCommand })},
	}}}},
}
