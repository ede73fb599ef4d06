// Package expand turns the text of configuration files into plain lines:
// includes are followed, comments and lines for other machines dropped,
// definitions put in, sequences repeated. It knows no keyword but include's.
//
// Every byte of a line remembers where it was written and, if that was in a
// definition, where the definition was used. What a line means is package
// syntax's business, and then schema's.
//
// A line without any of this is a piece of the file's own bytes, found without
// copying; files of hundreds of thousands of lines are read that way.
package expand

import (
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// Options are what expansion depends on besides the text.
type Options struct {
	ConfigID string                   // compared with @ID and @^ID; empty: HostName up to the first dot
	HostName string                   // the machine's name
	Env      func(name string) string // ${_ENV NAME}; nil: nothing is set
	Strict   bool                     // what is included must be there, as with include_check and no options
	Dir      string                   // the working directory, for ${_PWD} of a file with a relative name
	// Skip says of a file that is opened what of it is not read, in order; nil:
	// all is. What is read of a file with holes is copied, so that who keeps a
	// few lines does not keep the whole text.
	Skip func(name, text string) []Hole
}

// Ours is an id that every machine has here and none in keepalived: lines that
// begin with @holdfast are for this program only, lines with @^holdfast for
// keepalived only, so one file can serve both.
const Ours = "holdfast"

// Bounds of what a configuration may ask for; passing one is diagnostic HF005.
const (
	MaxFiles    = 4096     // files opened, an included file counting each time
	MaxDepth    = 64       // includes, definitions and sequences within each other
	MaxLine     = 64 << 10 // bytes of a line, before and after expansion
	MaxExpanded = 16 << 20 // bytes made by definitions and sequences, with a fee for each use
	MaxUndue    = 1000     // diagnostics about the form of the text; the rest are not told
)

// What counts towards MaxExpanded besides the text itself, so that what makes
// nothing comes to an end, too: after a second at most.
const (
	useFee  = 16  // a definition within a line
	lineFee = 32  // a line of a definition
	turnFee = 384 // a turn of a sequence
	keepFee = 192 // a line of a definition that is kept
)

// Lines reads a configuration line by line.
type Lines struct {
	// Leaps counts how often something was skipped so far (Options.Skip).
	Leaps int

	files  source.Files
	opt    Options
	report func(diag.Diagnostic)
	told   map[telling]bool // what was reported

	texts  []text
	frames []frame
	byUse  map[frame]int32
	latest frame // the last that was looked up, and its number
	number int32

	feeds  []feed // what is being read, the innermost last
	line   Line   // what Next returned
	checks check  // include_check

	defs   map[string]*definition
	built  builder         // used again by each line that is put together
	undue  map[string]bool // names that something was told about
	left   int             // of MaxExpanded
	random uint64          // state of ${_RANDOM}
	dead   bool            // a Fatal was reported: nothing more is read
}

// feed is something that lines come from: a file, a definition, a sequence.
type feed interface {
	// next gives the next raw line, which process has yet to see.
	next(l *Lines) (Line, bool)
}

// New returns the lines of the configuration called name. What is wrong with
// the text goes to report while it is read.
func New(files source.Files, name string, opt Options, report func(diag.Diagnostic)) *Lines {
	if opt.ConfigID == "" {
		opt.ConfigID, _, _ = cutAny(opt.HostName, ".")
	}
	l := &Lines{files: files, opt: opt, report: report, left: MaxExpanded, random: seed(opt.HostName, opt.ConfigID)}
	if opt.Strict {
		l.checks = allChecks
	}
	l.openRoot(name)
	return l
}

// Next returns the next line.
func (l *Lines) Next() (*Line, bool) {
	for len(l.feeds) > 0 && !l.dead {
		top := l.feeds[len(l.feeds)-1]
		if f, ok := top.(*file); ok && f.plain(l, &l.line) {
			return &l.line, true
		}
		raw, ok := top.next(l)
		if !ok {
			l.close(top)
			continue
		}
		if l.process(raw) {
			return &l.line, true
		}
	}
	return nil, false
}

// Again takes back what follows a brace on a line, if expansion has a say in
// it: for a condition, a definition, a sequence or an include, a brace is the
// start of a line. It reports whether it did; the line is then over.
func (l *Lines) Again(line *Line, off int) bool {
	for off < len(line.Text) && isSpace(line.Text[off]) {
		off++
	}
	if off == len(line.Text) {
		return false
	}
	rest := line.Text[off:]
	switch rest[0] {
	default:
		return false
	case '@', '~':
	case 'i':
		if !strings.HasPrefix(rest, "include") {
			return false
		}
	case '$':
		if n := 1 + nameEnd(rest[1:]); n == 1 || n == len(rest) || rest[n] != '=' {
			return false
		}
	}
	l.push(&definitionFeed{lines: []Line{line.cut(off).own()}}, line.At(off))
	return true
}

// process expands a raw line. It reports whether l.line is the outcome;
// otherwise there is none, or it comes from a feed that was pushed.
func (l *Lines) process(line Line) bool {
	line = l.uncomment(line.trim())
	line, ok := l.condition(line)
	if !ok || l.define(line) || l.repeat(line) {
		return false
	}
	line, changed, ok := l.substitute(line)
	if !ok {
		return false
	}
	if changed {
		line, ok = l.condition(l.uncomment(line.trim()))
		if !ok || l.define(line) || l.repeat(line) {
			return false
		}
	}
	if line.on {
		line = l.backslash(line)
	}
	l.reseed(line.Text)
	if line.Text == "" || l.include(line) {
		return false
	}
	l.line = line
	return true
}

// backslash tells about a line that looks as if it went on. Only definitions
// do: elsewhere the backslash belongs to the last word, even one that ends a
// comment.
func (l *Lines) backslash(line Line) Line {
	l.tell(line.At(max(len(line.Text)-1, 0)), 1, diag.Diagnostic{ID: "HF008", Severity: diag.Warning,
		Message:  `only definitions go on after \; here it is a part of the last word`,
		Expected: "the whole statement on one line"})
	text := trimRight(strings.TrimSuffix(line.Text, `\`))
	var b builder
	b.keep(&line, 0, len(text))
	b.add(`\`, line.At(len(text)))
	return b.line()
}

// condition drops a line that begins with @ and another machine's id, and
// takes the id off one that is meant.
func (l *Lines) condition(line Line) (rest Line, ok bool) {
	if line.Text == "" || line.Text[0] != '@' {
		return line, true
	}
	id, want := line.Text[1:wordEnd(line.Text)], true
	n := 1 + len(id)
	if len(id) > 0 && id[0] == '^' {
		id, want = id[1:], false
	}
	return line.cut(n).trim(), (id == l.opt.ConfigID || id == Ours) == want
}

// push reads from f until it ends.
func (l *Lines) push(f feed, at Place) {
	if len(l.feeds) >= MaxDepth {
		l.bound(at, "more than 64 includes, definitions and sequences within each other")
		return
	}
	l.feeds = append(l.feeds, f)
}

func (l *Lines) close(f feed) {
	l.feeds = l.feeds[:len(l.feeds)-1]
	if f, ok := f.(*file); ok {
		l.checks = f.before
	}
}

// spend counts bytes, and a fee, towards MaxExpanded.
func (l *Lines) spend(n int, at Place) bool {
	l.left -= n
	if l.left >= 0 {
		return true
	}
	l.bound(at, "definitions and sequences make more than 16 MiB of text")
	return false
}

// bound reports that a bound was passed; reading ends there.
func (l *Lines) bound(at Place, message string) {
	if l.dead {
		return
	}
	l.dead = true
	l.tell(at, 0, diag.Diagnostic{ID: "HF005", Severity: diag.Fatal, Message: message})
}

// telling is a diagnostic at a place: another turn of a sequence is no news.
type telling struct {
	id, message string
	at          Place
}

// tell reports d at a place; size is the length of the text there, if known.
func (l *Lines) tell(at Place, size int, d diag.Diagnostic) {
	t := telling{d.ID, d.Message, at}
	if l.told[t] || len(l.told) >= MaxUndue && d.Severity < diag.Fatal {
		return
	}
	if l.told == nil {
		l.told = make(map[telling]bool)
	}
	l.told[t] = true
	d.Span = l.Span(at, size)
	d.Source = l.Text(at)
	l.report(d)
}

// Tell reports what is wrong with the form of a line that Next returned.
func (l *Lines) Tell(at Place, size int, d diag.Diagnostic) { l.tell(at, size, d) }
