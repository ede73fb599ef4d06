// Package diag has the words for what is wrong with a configuration: a
// Diagnostic says what, where, what was expected and what to do.
//
// It finds nothing by itself (conf and lint do) and prints in the forms that
// people, editors and CI read.
package diag

// Severity ranks a Diagnostic.
type Severity uint8

const (
	// Notice tells something worth knowing; the file is fine.
	Notice Severity = iota
	// Warning is for what keepalived accepts but probably was not meant.
	Warning
	// Error is for what keepalived complains about (its config test exits 5).
	// The daemon still starts, ignoring what keepalived ignores, unless strict.
	Error
	// Fatal means that no configuration can be made of the file; nothing starts.
	Fatal
)

// Span is a place in a file. Line and Col count from 1; Col counts bytes.
// A zero Line means the whole file, an empty File no place at all.
type Span struct {
	File           string
	Line, Col, End int // End is the column after the last byte, 0 if unknown
	// Used is where a definition was used, if this place is in its text.
	Used *Span
}

// Diagnostic is one finding.
type Diagnostic struct {
	// ID is stable and documented ("HF003"); tests and silencing go by it.
	ID       string
	Severity Severity
	Span     Span
	// Message says what is wrong, lower case, without the place.
	Message string
	// Expected says what would have been right ("a number from 1 to 255").
	Expected string
	// Suggestion is what to write instead ("did you mean virtual_ipaddress?").
	Suggestion string
	// Source is the line of text at Span, for the caret; may be empty.
	Source string
}

// List is all that was found in one pass, in the order of the text.
type List []Diagnostic

// MaxList bounds a List: nobody reads more, and a file of nothing but mistakes
// must not fill the memory.
const MaxList = 10000

// MaxSource bounds the line that a Diagnostic shows, in bytes.
const MaxSource = 1024

// clipped is as much of a line as is kept; nothing if what is wrong lies
// beyond.
func clipped(line string, col int) string {
	switch {
	case len(line) <= MaxSource:
		return line
	case col > MaxSource:
		return ""
	}
	return line[:MaxSource]
}

// Add appends d. At MaxList it says once that there is more; beyond, it keeps
// only what is graver than anything before, so that Count never takes a list
// for better than it is. A line that may carry a password is left out.
func (l *List) Add(d Diagnostic) {
	n := len(*l)
	if n >= MaxList && d.Severity <= (*l)[n-1].Severity {
		return
	}
	d.Source = clipped(shown(d.Source), d.Span.Col)
	if n == MaxList-1 {
		worst := d.Severity
		for i := range *l {
			worst = max(worst, (*l)[i].Severity)
		}
		*l = append(*l, Diagnostic{ID: "HF000", Severity: worst, Span: d.Span,
			Message: "from here on problems are not listed, there are too many"})
		if d.Severity < Fatal {
			return
		}
	}
	if n < MaxList || d.Severity > (*l)[n-1].Severity {
		*l = append(*l, d)
	}
}

// Count returns how many diagnostics have at least severity s.
func (l List) Count(s Severity) int {
	n := 0
	for i := range l {
		if l[i].Severity >= s {
			n++
		}
	}
	return n
}
