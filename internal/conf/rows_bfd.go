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

// Times of BFD are given in milliseconds.
func millis(low, high int64) args {
	return args{{Kind: schema.Seconds, Label: "MILLISECONDS", Min: low * int64(time.Second), Max: high * int64(time.Second)}}
}

var weightReverse = args{{Kind: schema.Number, Min: -253, Max: 253}, {Kind: schema.Enum, Words: []string{"reverse"}, Optional: true}}

var bfdRoot = rows{{Name: "bfd_instance", Args: name, Bare: true, Unbuilt: true, Doc: "A BFD session.", Set: define("track_bfd"), End: needs("bfd_instance", "neighbor_ip"), Block: schema.NewBlock("bfd_instance", rows{
	{Name: "source_ip", Args: address, Doc: "The address to send from."},
	{Name: "neighbor_ip", Args: address, Doc: "The other side.", Set: bfdNeighbour},
	{Name: "neighbour_ip", Args: address, Doc: "Another spelling of neighbor_ip.", Set: bfdNeighbour},
	{Name: "min_rx", Args: millis(1, maxBFD), Doc: "How often packets may come at most."},
	{Name: "min_tx", Args: millis(1, maxBFD), Doc: "How often packets are sent."},
	{Name: "idle_tx", Args: millis(1000, maxBFD), Doc: "How often packets are sent while there is no session."},
	{Name: "multiplier", Args: num(1, 255), Doc: "How many packets may be missed."},
	{Name: "passive", Doc: "Wait for the other side to begin."},
	{Name: "ttl", Args: num(1, 255), Doc: "The TTL of IPv4 packets."},
	{Name: "hoplimit", Args: num(1, 255), Doc: "The hop limit of IPv6 packets."},
	{Name: "max_hops", Args: num(-1, 255), Doc: "How many hops away the other side may be."},
	{Name: "multihop", Args: on, Since: since24, Doc: "Use port 4784, for more than one hop."},
	{Name: "weight", Args: weightReverse, Doc: "What it adds to priorities."},
	{Name: "vrrp", Doc: "Tell VRRP only."},
	{Name: "checker", Doc: "Tell the checkers only."},
})}}

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
	{Name: "track_file", Args: name, Bare: true, Set: beginTrackFile, End: endTrackFile, Doc: "A file with a number that weighs.", Block: schema.NewBlock("track_file", trackFileBlock)},
	{Name: "vrrp_track_file", Args: name, Bare: true, Set: beginTrackFile, End: endTrackFile, Doc: "Old word for track_file.", Block: schema.NewBlock("vrrp_track_file", trackFileBlock)},
	{Name: "vrrp_track_process", Args: name, Bare: true, Unbuilt: true, Set: define("track_process"), End: needs("track_process", "process"), Doc: "Processes that must run, or that weigh.", Block: schema.NewBlock("vrrp_track_process", rows{
		{Name: "process", Args: args{{Kind: schema.Words, Label: "PROGRAM [ARGUMENT …]"}}, Doc: "The program, with arguments to compare.", Set: has},
		{Name: "param_match", Args: opt(enum("initial", "partial")), Doc: "How arguments are compared."},
		{Name: "weight", Args: args{{Kind: schema.Number, Min: -254, Max: 254}, {Kind: schema.Enum, Words: []string{"reverse"}, Optional: true}}, Soft: true, Doc: "What they add to priorities."},
		{Name: "quorum", Args: num(1, math.MaxUint16), Doc: "How many must run."},
		{Name: "quorum_max", Args: num(0, math.MaxUint16), Doc: "How many may run."},
		{Name: "delay", Args: secs(time.Microsecond, maxProcessDelay), Doc: "How long a change must last."},
		{Name: "fork_delay", Args: secs(time.Microsecond, maxProcessDelay), Doc: "How long the quorum must be met."},
		{Name: "terminate_delay", Args: secs(time.Microsecond, maxProcessDelay), Doc: "How long the quorum must be missed."},
		{Name: "full_command", Doc: "Compare whole command lines."},
	})},
}
