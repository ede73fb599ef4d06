package conf

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// DNSCheck is what DNS_CHECK adds.
type DNSCheck struct {
	Type string // "SOA" (default), "A", …
	Name string // without the last dot; empty: the root
}

// SMTPCheck is what SMTP_CHECK adds. A host block is a checker of its own.
type SMTPCheck struct {
	Helo string // helo_name; empty: keepalived's
}

// UDPCheck is what UDP_CHECK adds.
type UDPCheck struct {
	Payload string // the bytes; empty: any
	// RequireReply: without an answer it has failed.
	RequireReply bool
	// Reply is what the answer's beginning must be in the bits of Mask, which
	// is of the same length; both are bytes.
	Reply, Mask        string
	MinReply, MaxReply int // length of the answer in bytes, from 0 to 65535
}

// FileCheck is what FILE_CHECK adds.
type FileCheck struct {
	TrackFile string
	// Weight and Reverse are the track_file's unless WeightSet.
	Weight    int
	WeightSet bool
	Reverse   bool
}

// filePoll is how often the file of a FILE_CHECK is looked at.
const filePoll = time.Second

// TrackFile is a track_file block: a file that holds a number.
type TrackFile struct {
	Name, Path string
	Weight     int // what the number is multiplied with; 1 by default
	Reverse    bool
	Init       bool // init_file: write Value at start if there is no file
	Value      int
	Overwrite  bool // and also if there is one
	Pos        Pos
}

// beginTrackFile starts a track_file block.
func beginTrackFile(l *loader, s *stmt) {
	define("track_file")(l, s)
	l.trackFile = &TrackFile{Name: s.Text(), Weight: 1, Pos: l.pos(s.Words()[0])}
}

// endTrackFile keeps it, if it has a file; of several with a name the first.
func endTrackFile(l *loader) {
	f := l.trackFile
	needs("track_file", "file")(l)
	if !l.named["track_file "+f.Name] || l.cfg.TrackFile(f.Name) != nil {
		return
	}
	l.cfg.TrackFiles = append(l.cfg.TrackFiles, f)
}

// TrackFile is the track_file of a name, nil if there is none.
func (c *Config) TrackFile(name string) *TrackFile {
	for _, f := range c.TrackFiles {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// defaultMaxReply is max_reply_length unless it is given.
const defaultMaxReply = 255

// maxPayload is what fits a datagram over IPv4, in bytes.
const maxPayload = 65507

// hexadecimal reads keepalived's free form: digits in pairs, and one that is
// left over before a space is a byte, too. With wild, x is any digit; mask has
// the bits that count.
func hexadecimal(text string, wild bool) (value, mask string, ok bool) {
	var v, m strings.Builder
	for _, f := range strings.Fields(text) {
		for len(f) > 0 {
			n := min(2, len(f))
			b, bits := byte(0), byte(0)
			for _, c := range []byte(f[:n]) {
				digit, err := strconv.ParseUint(string(c), 16, 4)
				b, bits = b<<4|byte(digit), bits<<4|0xf
				switch {
				case wild && (c == 'x' || c == 'X'):
					bits &= 0xf0
				case err != nil:
					return "", "", false
				}
			}
			if n == 1 {
				bits |= 0xf0
			}
			v.WriteByte(b)
			m.WriteByte(bits)
			f = f[n:]
		}
	}
	return v.String(), m.String(), true
}

// setHex reads a line of hexadecimal digits.
func setHex(s *stmt, wild bool) (value, mask string, ok bool) {
	var text []string
	for _, w := range s.Words() {
		text = append(text, w.Text)
	}
	value, mask, ok = hexadecimal(strings.Join(text, " "), wild)
	if !ok || len(value) > maxPayload {
		s.Fault("HF011", diag.Error, s.Words()[0], strconv.Quote(strings.Join(text, " "))+" is not hexadecimal", "pairs of hexadecimal digits, not more than "+strconv.Itoa(maxPayload))
		return "", "", false
	}
	return value, mask, true
}

func setPayload(l *loader, s *stmt) {
	if v, _, ok := setHex(s, false); ok {
		l.chk.UDP.Payload = v
	}
}

func setReply(l *loader, s *stmt) {
	u := l.chk.UDP
	u.RequireReply = true
	if len(s.Words()) > 0 {
		u.Reply, u.Mask, _ = setHex(s, true)
	}
}

// beginHost starts a host block: a checker like the one around it, of another
// address.
func beginHost(l *loader, s *stmt) {
	outer := l.chk
	l.chkOuter, l.chk = outer, l.checkers.take()
	*l.chk = Checker{Kind: outer.Kind, SMTP: outer.SMTP, Pos: l.pos(s.Keyword()), LogAllFailures: outer.LogAllFailures}
	l.chk.unset()
}

// endHost comes before what the block around it may still say.
func endHost(l *loader) {
	l.chkHosts = append(l.chkHosts, l.chk)
	l.chk, l.chkOuter = l.chkOuter, nil
}

// unset marks what is inherited unless it is given.
func (c *Checker) unset() {
	c.ConnectTimeout, c.Retry, c.DelayBeforeRetry, c.DelayLoop, c.Warmup, c.alpha = unset, unset, unset, unset, unset, unset
}

// connects reports whether c says how to connect.
func (c *Checker) connects() bool {
	return c.ConnectIP.IsValid() || c.ConnectPort != 0 || c.BindTo.IsValid() || c.BindPort != 0 ||
		c.BindIf != "" || c.ConnectTimeout != unset || c.FWMark != 0 || c.Path
}

// times gives the checker the rise and fall of the block around it, unless it
// has its own; its own retry is a word against that fall.
func (c *Checker) times(rise, fall int) {
	if c.BFD != "" {
		return // it is told
	}
	c.Rise = cmp.Or(c.Rise, rise)
	if c.Retry == unset {
		c.Fall = cmp.Or(c.Fall, fall)
	}
}

// under gives a host what the block around it says of all of them.
func (c *Checker) under(outer *Checker) {
	c.ConnectTimeout, c.DelayLoop = or(c.ConnectTimeout, outer.ConnectTimeout), or(c.DelayLoop, outer.DelayLoop)
	c.DelayBeforeRetry, c.Warmup = or(c.DelayBeforeRetry, outer.DelayBeforeRetry), or(c.Warmup, outer.Warmup)
	c.times(outer.Rise, outer.Fall)
	if c.Retry == unset {
		c.Retry = outer.Retry
	}
	if c.alpha == unset {
		c.Alpha, c.alpha = outer.Alpha, outer.alpha
	}
	c.LogAllFailures = c.LogAllFailures || outer.LogAllFailures
}
