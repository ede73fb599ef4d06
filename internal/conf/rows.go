package conf

import (
	"math"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// The rows of the keyword table are in the files rows_*.go, a file for each
// part of the configuration. A row's Set stores values that already fit the
// row's grammar; what depends on several lines is settled when the block ends
// (End), or the file (finish.go).
//
// The table is data that the linker lays out: every process of the daemon is
// this binary anew, and one that reads no configuration pays nothing for it. So
// it is made of literals and of functions that are one return and capture
// nothing; a test of package cli holds it to that.

type (
	row   = schema.Row[loader]
	rows  = []schema.Row[loader]
	block = schema.Block[loader]
	stmt  = schema.Stmt
	args  = []schema.Arg
)

var root = &block{Parts: []rows{rootRows, globalRoot, vrrpRoot, trackRoot, lvsRoot, bfdRoot}}

// Bounds that several rows share.
const (
	maxUint32  = math.MaxUint32
	maxTimer   = maxUint32 * time.Microsecond // what fits keepalived's 32-bit timers
	maxSeconds = maxUint32 / 1_000_000
	forever    = time.Duration(math.MaxInt64)
	maxWeight  = math.MaxInt32 // of a real server (IPVS)
	maxLVSTime = 31 * 24 * 3600
	maxTimes   = 1_000_000 // of rise and fall
	since24    = "2.4"
)

// The forms of values.
var (
	on      = args{{Kind: schema.Bool, Optional: true}}
	address = args{{Kind: schema.Address}}
	iface   = args{{Kind: schema.Interface}}
	name    = args{{Kind: schema.Name}}
	path    = args{{Kind: schema.Path}}
	optPath = args{{Kind: schema.Path, Optional: true}}
	text    = args{{Kind: schema.Text}}
	command = args{{Kind: schema.Script}}
	words   = args{{Kind: schema.Words}}

	optName    = args{{Kind: schema.Name, Optional: true}}
	optText    = args{{Kind: schema.Text, Optional: true}}
	optWords   = args{{Kind: schema.Words, Optional: true}}
	optCommand = args{{Kind: schema.Script, Optional: true}}

	user = args{{Kind: schema.Name, Label: "USER"}, {Kind: schema.Name, Label: "GROUP", Optional: true}}
)

func num(low, high int64) args { return args{{Kind: schema.Number, Min: low, Max: high}} }

func clamp(low, high int64) args {
	return args{{Kind: schema.Number, Min: low, Max: high, Clamp: true}}
}

func secs(low, high time.Duration) args {
	return args{{Kind: schema.Seconds, Min: int64(low), Max: int64(high)}}
}

func wholeSecs(low, high int64) args {
	return args{{Kind: schema.Number, Min: low, Max: high, Label: "SECONDS"}}
}

func enum(w ...string) args { return args{{Kind: schema.Enum, Words: w}} }

func optNum(low, high int64) args {
	return args{{Kind: schema.Number, Min: low, Max: high, Optional: true}}
}

func optWholeSecs(low, high int64) args {
	return args{{Kind: schema.Number, Min: low, Max: high, Label: "SECONDS", Optional: true}}
}

func optEnum(w ...string) args { return args{{Kind: schema.Enum, Words: w, Optional: true}} }

// numOf is a number that the reference calls by a name of its own.
func numOf(label string, low, high int64) args {
	return args{{Kind: schema.Number, Min: low, Max: high, Label: label}}
}

// The places where values are kept, by what they keep: each finds the field.
type (
	flag    func(*loader) *bool // without a value it is true
	tri     func(*loader) *int8 // unset before, 0 or 1 then
	choice  func(*loader) *Choice
	integer func(*loader) *int
	str     func(*loader) *string
	dur     func(*loader) *time.Duration // from Seconds
	seconds func(*loader) *time.Duration // from whole seconds
	cmd     func(*loader) **Command      // the first line counts
)

// Keep stores a bool.
func (f flag) Keep(l *loader, s *stmt) { *f(l) = s.Bool() }

// Keep stores 0 or 1.
func (f tri) Keep(l *loader, s *stmt) {
	*f(l) = 0
	if s.Bool() {
		*f(l) = 1
	}
}

// Keep stores Yes or No.
func (f choice) Keep(l *loader, s *stmt) {
	*f(l) = No
	if s.Bool() {
		*f(l) = Yes
	}
}

// Keep stores a number.
func (f integer) Keep(l *loader, s *stmt) { *f(l) = s.Int() }

// Keep stores a text.
func (f str) Keep(l *loader, s *stmt) { *f(l) = s.Text() }

// Keep stores a duration.
func (f dur) Keep(l *loader, s *stmt) { *f(l) = s.Value(0).Dur() }

// Keep stores a duration.
func (f seconds) Keep(l *loader, s *stmt) {
	*f(l) = time.Duration(s.Value(0).Int) * time.Second
}

// Keep stores a command.
func (f cmd) Keep(l *loader, s *stmt) {
	slot := f(l)
	if *slot != nil {
		s.Fault("HF031", diag.Error, s.Keyword(), s.Keyword().Text+" is given twice, the second is ignored", "")
		return
	}
	if *slot = l.command(s); *slot != nil {
		l.commands = append(l.commands, commandNotes{slot, s.Words()[0]})
	}
}
