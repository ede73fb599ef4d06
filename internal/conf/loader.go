package conf

import (
	"cmp"
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// unset marks a number or duration that the text did not give.
const unset = -1

// loader is what the rows fill: the configuration, the block they are in, and
// notes for what can only be judged later.
type loader struct {
	cfg *Config
	sys System
	// texts are the files that values may name.
	texts source.Files
	// seen is Options.Seen.
	seen func(*VirtualServer) bool
	walk schema.Walker[loader]
	read reader

	// The block being read, by kind; each is set when its block begins.
	script *VRRPScript
	group  *SyncGroup
	inst   *VRRPInstance
	vi     *instanceNotes // of inst
	// Of inst or group, whichever is being read.
	notify       *Notify
	tellPriority *int8 // notify_priority_changes
	tracks       tracks

	sgroup  *ServerGroup
	vs      *VirtualServer
	vsTime  timing // of vs
	vsLeave leaving
	rs      *RealServer // nil outside of a real_server block
	chk     *Checker
	// While a host of an SMTP_CHECK is read, chkOuter is the checker.
	chkOuter  *Checker
	chkHosts  []*Checker
	paths     []pathNotes // of the virtual server
	trackFile *TrackFile
	process   *TrackProcess
	bfd       *BFD
	bfdHops   bool // max_hops was given
	url       *HTTPURL
	regexWord syntax.Word      // of url
	regexes   map[string]error // what compiling them said

	marks
	checks

	// What was read, with the words that name it.
	instances  []*instanceNotes
	byName     map[string]*instanceNotes // the same
	servers    []serverNotes             // of vs
	servedAt   map[netip.AddrPort]bool   // the same, if there are many
	scripts    []scriptNotes             // beside cfg.Scripts
	groups     []groupNotes              // beside cfg.Groups
	groupUsers []groupUser               // virtual servers of groups
	members    []syntax.Word             // of group
	tellGroup  int8                      // notify_priority_changes of group
	checkSrc   bool                      // vrrp_check_unicast_src
	minGARP    bool                      // vrrp_min_garp

	// Names that are taken, so that nothing is defined or listed twice.
	scriptNames, groupNames map[string]bool
	trackedIn               map[trackKey]bool
	peers                   map[peerKey]bool

	// What is tracked, and what there is to be tracked.
	tracked      []trackNotes
	named        map[string]bool        // "track_file NAME" and such, as defined so far
	neighbours   map[string]string      // of BFD, with whose they are
	scriptByName map[string]*VRRPScript // when all is read

	// What the machine must have.
	ifaces     []interfaceNotes
	bareStatic []syntax.Word // static addresses without an interface
	commands   []commandNotes
	miscs      []miscNotes
	unsafe     syntax.Word // the first program that would run as root

	// Memory in large pieces.
	files       []string // names by index, so that a Pos shares them
	virtuals    slab[VirtualServer]
	reals       slab[RealServer]
	checkers    slab[Checker]
	realRefs    slab[*RealServer] // for VirtualServer.Servers
	checkerRefs slab[*Checker]    // for RealServer.Checkers
	rsChecks    []*Checker        // of rs so far
}

// marks are the words of the blocks being read, to point at when a block ends.
type marks struct {
	scriptName, scriptWord, groupName syntax.Word
	vsWord, opsWord, sgroupWord       syntax.Word
	quorumWord, hystWord, sorryWord   syntax.Word
	chkWord, urlWord, miscWord        syntax.Word
	bindWord                          syntax.Word
	garpWord, routeProto              syntax.Word
	defined                           syntax.Word // the track_file, vrrp_track_process or bfd_instance
}

// checks are what a block is asked for when it ends.
type checks struct {
	scriptBad, miscBad bool        // its user does not exist
	syncWord           syntax.Word // of lvs_sync_daemon: its instance
	garpDelay          bool        // a garp_group has an interval
	garpGroup          GARPGroup
	trackGroup         bool   // the track_group has its members
	preferences        [2]int // given to rules without one, of IPv4 and of IPv6
	routeFamily        int    // of the route's addresses so far
	definedHas         string // the file, process or neighbour of what is defined
	chkNamed           bool   // the checker names what it follows
}

// reader is what the loader asks of a syntax.Reader.
type reader interface {
	syntax.Spanner
	File(p syntax.Pos) string
}

// timing is what a checker takes from its real or virtual server.
type timing struct {
	delayLoop, connectTimeout, delayBeforeRetry, warmup time.Duration
	retry                                               int
	rise, fall                                          int // 0: not said
}

var noTiming = timing{unset, unset, unset, unset, unset, 0, 0}

// under gives t the rise and fall of the block around it. Whichever of retry
// and fall is said further in counts.
func (t *timing) under(rise, fall int) {
	t.rise = cmp.Or(t.rise, rise)
	if t.retry == unset {
		t.fall = cmp.Or(t.fall, fall)
	}
}

// leaving is how servers come and go; unset, or no word, is what was not said.
type leaving struct {
	drain, slowStart time.Duration
	onDown           string
}

var noLeaving = leaving{drain: unset, slowStart: unset}

// serverNotes are what is settled at the end of a virtual server.
type serverNotes struct {
	rs    *RealServer
	word  syntax.Word
	time  timing
	port  uint16 // as written
	leave leaving
	// What is unset follows the virtual server.
	weight, inhibit, alpha, proxy int8
}

// instanceNotes remember where an instance's values were written, and which.
type instanceNotes struct {
	inst                     *VRRPInstance
	name, iface, vrid, state syntax.Word
	preempt, accept, strict  int8 // unset, 0, 1
	nativeV6, unicast        bool
	noVIPs                   bool
	lowerPrio, higherPrio    int8
	skipCheck, checkSrc      int8
	v3AsV2, ownerIgnores     int8
	tellPriority             int8
	preemptDelay, advert     syntax.Word
	version                  syntax.Word
	acceptWord, xmitBase     syntax.Word
	vmac                     syntax.Word // use_vmac or use_ipvlan
	hmac                     *hmacNotes
	garpRepeats              bool
	linkbeat                 bool          // linkbeat_use_polling
	shortMAC                 bool          // use_vmac has five octets; the VRID is the sixth
	vips, excluded           []syntax.Word // first words, beside Addresses and Excluded
}

// trackNotes is a script's name in a list of tracked scripts.
type trackNotes struct {
	word   syntax.Word
	before int  // how many scripts were defined above it
	said   bool // reverse or noreverse
}

type groupNotes struct {
	name    syntax.Word
	members []syntax.Word
	// tellPriority is what all members do.
	tellPriority int8
}

func newLoader(r reader, texts source.Files, sys System, add func(diag.Diagnostic)) *loader {
	l := &loader{cfg: &Config{}, sys: sys, texts: texts, read: r}
	l.walk = schema.Walker[loader]{Root: root, Into: l, Reporter: schema.Reporter{Spans: r, Add: add}}
	l.cfg.Global = globalDefaults()
	return l
}

// pos is where w was written.
func (l *loader) pos(w syntax.Word) Pos {
	return Pos{File: l.file(w.At), Line: int(w.At.Line), Col: int(w.At.Col)}
}

func (l *loader) file(p syntax.Pos) string {
	for int(p.File) >= len(l.files) {
		l.files = append(l.files, "")
	}
	f := &l.files[max(p.File, 0)]
	if *f == "" {
		*f = l.read.File(p)
	}
	return *f
}

// fault, warn and note report at w.
func (l *loader) fault(id string, w syntax.Word, message, expected, suggestion string) {
	l.walk.Fault(id, diag.Error, w, message, expected, suggestion)
}

func (l *loader) warn(id string, w syntax.Word, message, expected string) {
	l.walk.Fault(id, diag.Warning, w, message, expected, "")
}

// slab hands out structs from large pieces of memory: a file may hold a
// hundred thousand of them. Each piece is twice as large as the one before, so
// small configurations waste little and large ones ask the allocator seldom.
type slab[T any] struct {
	piece      []T
	used, from int // of the piece: what was handed out, and what before begin
	size       int
}

const minSlab, maxSlab = 4, 1024

// take returns a zeroed T.
func (s *slab[T]) take() *T { return &s.run(1)[0] }

// run returns n zeroed Ts in a row, with no room to append.
func (s *slab[T]) run(n int) []T {
	if n > len(s.piece)-s.used {
		s.size = min(max(2*s.size, minSlab), maxSlab)
		s.piece, s.used, s.from = make([]T, max(s.size, n)), 0, 0
	}
	r := s.piece[s.used : s.used+n : s.used+n]
	s.used += n
	return r
}

// begin marks where back goes to.
func (s *slab[T]) begin() { s.from = s.used }

// back takes back what was handed out since begin, for others.
func (s *slab[T]) back() {
	clear(s.piece[s.from:s.used])
	s.used = s.from
}
