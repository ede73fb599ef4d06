package conf

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// GARPGroup is a garp_group block: announcements on all its interfaces
// together are that far apart.
type GARPGroup struct {
	ARP, NA    time.Duration // 0: not paced
	Interfaces []string
}

// Linkbeat is a line of linkbeat_interfaces.
type Linkbeat struct {
	Interface string
	Kind      string // MII, ETHTOOL, IOCTL; empty: the first that the driver knows
}

// UpDownDelay is a line of interface_up_down_delays: how long a change must
// last to count.
type UpDownDelay struct {
	Interface string
	Down, Up  time.Duration // up to 255 s
}

// maxPace is the longest pace of a garp_group (a signed 32-bit number of µs).
const maxPace = math.MaxInt32 * time.Microsecond

var garpGroupBlock = &block{Name: "garp_group", Parts: []rows{{
	{Name: "garp_interval", Args: secs(0, maxPace), Doc: "The time between two gratuitous ARP packets.", Set: func(l *loader, s *stmt) {
		l.garpDelay, l.garpGroup.ARP = true, s.Value(0).Dur()
	}},
	{Name: "gna_interval", Args: secs(0, maxPace), Doc: "The time between two unsolicited neighbour advertisements.", Set: func(l *loader, s *stmt) {
		l.garpDelay, l.garpGroup.NA = true, s.Value(0).Dur()
	}},
	{Name: "interface", Args: iface, Doc: "One interface of the group.", Set: func(l *loader, s *stmt) { l.garpMember(s.Words()[0]) }},
	{Name: "interfaces", Bare: true, Block: &block{Name: "garp_group > interfaces", LineArgs: iface, Line: func(l *loader, s *stmt) {
		for _, w := range s.Node.Words {
			l.garpMember(w)
		}
	}}, Doc: "The interfaces of the group.", Set: needLines},
}}}

func beginGARPGroup(l *loader, s *stmt) {
	l.garpDelay, l.garpWord, l.garpGroup = false, s.Keyword(), GARPGroup{}
}

func endGARPGroup(l *loader) {
	if !l.garpDelay {
		l.fault("HF018", l.garpWord, "garp_group has no interval, it is ignored", "garp_interval or gna_interval", "")
		return
	}
	l.cfg.GARPGroups = append(l.cfg.GARPGroups, l.garpGroup)
}

// garpMember is an interface of a garp_group: of one only.
func (l *loader) garpMember(w syntax.Word) {
	l.needInterface(w, "garp_group")
	if !l.name("garp_group", w) {
		l.fault("HF031", w, "interface "+w.Text+" is in a garp_group already, it is ignored here", "", "")
		return
	}
	l.garpGroup.Interfaces = append(l.garpGroup.Interfaces, w.Text)
}

// linkbeat reads INTERFACE [MII|ETHTOOL|IOCTL].
func (l *loader) linkbeat(s *stmt) {
	w := s.Node.Words
	b := Linkbeat{Interface: w[0].Text}
	if len(w) > 1 {
		switch w[1].Text {
		case "MII", "ETHTOOL", "IOCTL":
			b.Kind = w[1].Text
		default:
			s.Fault("HF013", diag.Error, w[1], "linkbeat_interfaces has one interface a line", "INTERFACE [MII|ETHTOOL|IOCTL]")
		}
	}
	l.cfg.Linkbeats = append(l.cfg.Linkbeats, b)
}

// maxUpDown is how long a change of an interface can be asked to last.
const maxUpDown = 255 * time.Second

// upDown reads INTERFACE DOWN [UP]. The words down and up may stand before
// their times.
func upDown(l *loader, s *stmt) {
	l.needInterface(s.Node.Words[0], "interface_up_down_delays")
	v := UpDownDelay{Interface: s.Node.Words[0].Text, Down: unset, Up: unset}
	next := &v.Down
	for _, w := range s.Node.Words[1:] {
		switch w.Text {
		case "down":
			next = &v.Down
			continue
		case "up":
			next = &v.Up
			continue
		}
		d, ok := schema.ParseSeconds(w.Text)
		if !ok || d < 0 || d > maxUpDown {
			s.Fault("HF011", diag.Error, w, strconv.Quote(w.Text)+" is not valid here", "seconds from 0 to 255")
			return
		}
		*next = d
		next = &v.Up
	}
	v.Down = max(v.Down, 0)
	v.Up = or(v.Up, v.Down)
	l.cfg.Delays = append(l.cfg.Delays, v)
}

// Firewall is where the rules for no_accept and for VMACs go.
type Firewall struct {
	Table    string // default keepalived
	Priority int    // of its chains, default -1
	Counters bool
	// Ifindex has sets name interfaces by number rather than by name.
	Ifindex bool
}

// usualNFTPriority is just before the filter chains of others.
const usualNFTPriority = -1

// FlushOnStop is what is removed at the end [lvs_flush_on_stop].
type FlushOnStop uint8

// What there is to choose.
const (
	FlushNothing  FlushOnStop = iota // but our services
	FlushAll                         // also those of others
	FlushServices                    // ours, as with FlushNothing, whose real servers go with them
)

func setFlushOnStop(l *loader, s *stmt) {
	global(l).LVSFlushOnStop = FlushAll
	if s.Has(0) {
		global(l).LVSFlushOnStop = FlushServices
	}
}

// Marking is how virtual server groups are served by firewall marks.
type Marking struct {
	Table    string // empty: they are not
	Priority int    // of its chains, default -1
	First    uint32 // mark, default 1000
}

// What keepalived.conf(5) gives to nftables_ipvs without a name, and the first
// mark.
const (
	usualMarkTable = "keepalived_ipvs"
	usualMark      = 1000
)

func marking(l *loader) *Marking { return &l.cfg.Global.Marking }

func setNFTablesIPVS(l *loader, s *stmt) {
	marking(l).Table = usualMarkTable
	if s.Has(0) && strings.TrimSpace(s.Text()) != "" {
		marking(l).Table = s.Text()
	}
}

func firewall(l *loader) *Firewall { return &l.cfg.Global.Firewall }

func setNFTables(l *loader, s *stmt) {
	if s.Has(0) && strings.TrimSpace(s.Text()) != "" {
		firewall(l).Table = s.Text()
	}
}
