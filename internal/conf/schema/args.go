package schema

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Kind is the form of a value.
type Kind uint8

const (
	Text      Kind = iota // any word
	Number                // a whole number from Min to Max
	Seconds               // decimal seconds; Min and Max in nanoseconds
	Bool                  // on, off, true, false, yes, no; nothing means on
	Address               // an IPv4 or IPv6 address
	Prefix                // an address, perhaps with a length
	Interface             // a network interface's name, at most 15 bytes
	Name                  // the name of something defined elsewhere
	Path                  // a file's name
	Enum                  // one of Words
	Script                // a command: one word, or several in quotes; then user and group
	Words                 // the rest of the line, judged by the row itself
)

// MaxInterface is the longest interface name (IFNAMSIZ less its NUL).
const MaxInterface = 15

// Arg is one value of a keyword.
type Arg struct {
	Kind Kind
	// Label names the value in the reference ("ADDRESS"); empty: by its kind.
	Label    string
	Min, Max int64    // Number, Seconds
	Words    []string // Enum, and Number's names for values (-1: "any")
	Optional bool
	// Fold lets capitals not count in an Enum.
	Fold bool
	// Clamp takes a number out of bounds as the nearest bound, and says so.
	Clamp bool
}

// Value is one value read.
type Value struct {
	Int    int64 // Number; Bool as 0 or 1; Enum as index of Words
	Addr   netip.Addr
	Prefix netip.Prefix
	Text   string
}

// Dur is the value of Seconds.
func (v *Value) Dur() time.Duration { return time.Duration(v.Int) }

type verdict uint8

const (
	fits verdict = iota
	wrong
	low
	high
)

// read parses word into v. It formats nothing: complaints come later.
func (a *Arg) read(word string, v *Value) verdict {
	v.Text = word
	switch a.Kind {
	case Number:
		n, ok := parseInt(word)
		if !ok {
			return wrong
		}
		return a.bound(n, v)
	case Seconds:
		n, ok := ParseSeconds(word)
		if !ok {
			return wrong
		}
		return a.bound(int64(n), v)
	case Bool:
		b, ok := parseBool(word)
		if !ok {
			return wrong
		}
		v.Int = b
	case Address:
		if i := strings.IndexByte(word, '/'); i > 0 {
			word = word[:i] // keepalived passes over a length
		}
		ip, err := netip.ParseAddr(word)
		if err != nil {
			return wrong
		}
		v.Addr = ip
	case Prefix:
		p, ok := ParsePrefix(word)
		if !ok {
			return wrong
		}
		v.Prefix, v.Addr = p, p.Addr()
	case Interface:
		if len(word) == 0 || len(word) > MaxInterface {
			return wrong
		}
	case Enum:
		for i, w := range a.Words {
			if w == word || a.Fold && strings.EqualFold(w, word) {
				v.Int = int64(i)
				return fits
			}
		}
		return wrong
	}
	return fits
}

func (a *Arg) bound(n int64, v *Value) verdict {
	switch {
	case n < a.Min:
		if a.Clamp {
			v.Int = a.Min
		}
		return low
	case n > a.Max:
		if a.Clamp {
			v.Int = a.Max
		}
		return high
	}
	v.Int = n
	return fits
}

// parseInt reads a decimal number with an optional sign.
func parseInt(s string) (int64, bool) {
	t := s
	if t != "" && (t[0] == '-' || t[0] == '+') {
		t = t[1:]
	}
	if t == "" {
		return 0, false
	}
	var n int64
	for i := 0; i < len(t); i++ {
		c := t[i] - '0'
		if c > 9 {
			return 0, false
		}
		if n > (math.MaxInt64-9)/10 {
			n = math.MaxInt64 / 10 // far beyond any bound, and stays there
			continue
		}
		n = n*10 + int64(c)
	}
	if s[0] == '-' {
		n = -n
	}
	return n, true
}

// ParseSeconds reads decimal seconds to the microsecond, as keepalived's timers.
func ParseSeconds(s string) (time.Duration, bool) {
	whole, frac, dot := strings.Cut(s, ".")
	if whole == "" && frac == "" {
		return 0, false
	}
	neg := strings.HasPrefix(whole, "-")
	var n int64
	if whole != "" && whole != "-" && whole != "+" {
		var ok bool
		if n, ok = parseInt(whole); !ok {
			return 0, false
		}
	}
	const far = math.MaxInt64 / int64(time.Second)
	n = max(min(n, far-1), -far+1) * int64(time.Second)
	if dot {
		f, unit := int64(0), int64(time.Second)
		for i := 0; i < len(frac); i++ {
			c := frac[i] - '0'
			if c > 9 {
				return 0, false
			}
			if unit > int64(time.Microsecond) {
				unit /= 10
				f += int64(c) * unit
			}
		}
		if neg {
			f = -f
		}
		n += f
	}
	return time.Duration(n), true
}

func parseBool(s string) (int64, bool) {
	switch s {
	case "on", "true", "yes":
		return 1, true
	case "off", "false", "no":
		return 0, true
	}
	return 0, false
}

// ParsePrefix reads an address with or without a length; without one the
// length is the whole address.
func ParsePrefix(s string) (netip.Prefix, bool) {
	ip, bits, slash := strings.Cut(s, "/")
	a, err := netip.ParseAddr(ip)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	n := a.BitLen()
	if slash {
		b, err := strconv.ParseUint(bits, 10, 8)
		if err != nil || int(b) > n {
			return netip.Prefix{}, false
		}
		n = int(b)
	}
	return netip.PrefixFrom(a, n), true
}

// Expected says what a is, for a message: "a number from 1 to 255".
func (a *Arg) Expected() string {
	switch a.Kind {
	case Number:
		return "a number" + a.span(strconv.FormatInt(a.Min, 10), strconv.FormatInt(a.Max, 10))
	case Seconds:
		return "seconds" + a.span(FormatSeconds(a.Min), FormatSeconds(a.Max))
	case Bool:
		return "on or off (true, false, yes, no)"
	case Address:
		return "an IP address"
	case Prefix:
		return "an IP address, perhaps with /length"
	case Interface:
		return "the name of a network interface, at most 15 characters"
	case Name:
		return "a name"
	case Path:
		return "a file name"
	case Enum:
		return "one of " + strings.Join(a.Words, ", ")
	case Script:
		return "a command (in quotes if it has arguments)"
	}
	if a.Label != "" {
		return a.Label
	}
	return "a value"
}

func (a *Arg) span(low, high string) string {
	switch {
	case a.Min == math.MinInt64 && a.Max == math.MaxInt64:
		return ""
	case a.Max == math.MaxInt64:
		return " of at least " + low
	}
	return " from " + low + " to " + high
}

// FormatSeconds prints nanoseconds as seconds, without needless zeros.
func FormatSeconds(ns int64) string {
	s := strconv.FormatFloat(float64(ns)/float64(time.Second), 'f', 6, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}
