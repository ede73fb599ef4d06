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

type (
	row   = schema.Row[loader]
	rows  = []schema.Row[loader]
	block = schema.Block[loader]
	stmt  = schema.Stmt
	args  = []schema.Arg
)

var root = schema.NewBlock("", rootRows, globalRoot, vrrpRoot, trackRoot, lvsRoot, bfdRoot)

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
	user    = args{{Kind: schema.Name, Label: "USER"}, {Kind: schema.Name, Label: "GROUP", Optional: true}}
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

func opt(a args) args {
	b := append(args(nil), a...)
	for i := range b {
		b[i].Optional = true
	}
	return b
}

func label(s string, a args) args {
	b := append(args(nil), a...)
	b[0].Label = s
	return b
}

// flag sets a bool that f finds; without a value it is true.
func flag(f func(*loader) *bool) func(*loader, *stmt) {
	return func(l *loader, s *stmt) { *f(l) = s.Bool() }
}

// tri sets an int8 that f finds to 0 or 1; it was unset.
func tri(f func(*loader) *int8) func(*loader, *stmt) {
	return func(l *loader, s *stmt) {
		*f(l) = 0
		if s.Bool() {
			*f(l) = 1
		}
	}
}

// choice sets a Choice that f finds.
func choice(f func(*loader) *Choice) func(*loader, *stmt) {
	return func(l *loader, s *stmt) {
		*f(l) = No
		if s.Bool() {
			*f(l) = Yes
		}
	}
}

// integer sets an int that f finds.
func integer(f func(*loader) *int) func(*loader, *stmt) {
	return func(l *loader, s *stmt) { *f(l) = s.Int() }
}

// str sets a string that f finds.
func str(f func(*loader) *string) func(*loader, *stmt) {
	return func(l *loader, s *stmt) { *f(l) = s.Text() }
}

// dur sets a duration from Seconds.
func dur(f func(*loader) *time.Duration) func(*loader, *stmt) {
	return func(l *loader, s *stmt) { *f(l) = s.Value(0).Dur() }
}

// seconds sets a duration from whole seconds.
func seconds(f func(*loader) *time.Duration) func(*loader, *stmt) {
	return func(l *loader, s *stmt) { *f(l) = time.Duration(s.Value(0).Int) * time.Second }
}

// cmd sets a command that f finds.
func cmd(f func(*loader) **Command) func(*loader, *stmt) {
	return func(l *loader, s *stmt) {
		if *f(l) != nil {
			s.Fault("HF031", diag.Error, s.Keyword(), s.Keyword().Text+" is given twice, the second is ignored", "")
			return
		}
		slot := f(l)
		if *slot = l.command(s); *slot != nil {
			l.commands = append(l.commands, commandNotes{slot, s.Words()[0]})
		}
	}
}
