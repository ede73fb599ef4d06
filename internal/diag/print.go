package diag

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// String is the word that is printed for a severity.
func (s Severity) String() string {
	switch s {
	case Notice:
		return "notice"
	case Warning:
		return "warning"
	case Error:
		return "error"
	case Fatal:
		return "fatal"
	}
	return "unknown"
}

// String is file:line:column, as editors know it, without what is unknown.
func (s Span) String() string {
	switch {
	case s.Line == 0:
		return s.File
	case s.Col == 0:
		return fmt.Sprintf("%s:%d", s.File, s.Line)
	}
	return fmt.Sprintf("%s:%d:%d", s.File, s.Line, s.Col)
}

// String is the diagnostic on one line.
func (d Diagnostic) String() string {
	var b strings.Builder
	if d.Span.File != "" {
		b.WriteString(d.Span.String())
		b.WriteString(": ")
	}
	b.WriteString(d.Severity.String())
	b.WriteString(": ")
	b.WriteString(d.Message)
	if d.Expected != "" {
		b.WriteString("; expected ")
		b.WriteString(d.Expected)
	}
	if d.Suggestion != "" {
		b.WriteString("; ")
		b.WriteString(d.question())
	}
	if d.ID != "" {
		fmt.Fprintf(&b, " [%s]", d.ID)
	}
	return b.String()
}

// question makes a sentence of a suggestion that is only what to write.
func (d Diagnostic) question() string {
	if strings.HasPrefix(d.Suggestion, "did you mean") || strings.Contains(d.Suggestion, " ") {
		return d.Suggestion
	}
	return "did you mean " + d.Suggestion + "?"
}

// maxSource is how much of a long line is shown around the place, in bytes.
const maxSource = 120

// Print writes the list for a person: each diagnostic on a line, below it the
// line of text with a caret, and where a definition was used.
func Print(w io.Writer, l List) error {
	var b strings.Builder
	for i := range l {
		d := &l[i]
		b.WriteString(d.String())
		b.WriteByte('\n')
		source(&b, d)
		uses(&b, d.Span.Used)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// maxUses is how many uses within each other are shown.
const maxUses = 4

// uses writes where a definition was used, and where the one that used it; of
// many only the first and the last, which is the one in a block.
func uses(b *strings.Builder, u *Span) {
	for n := 1; u != nil; n, u = n+1, u.Used {
		switch {
		case n < maxUses || u.Used == nil:
			fmt.Fprintf(b, "    used at %s\n", u)
		case n == maxUses:
			b.WriteString("    …\n")
		}
	}
}

// source writes the line of text and a caret below its place. Tabs stay tabs
// in both, so that the caret is where it belongs whatever they are worth.
func source(b *strings.Builder, d *Diagnostic) {
	text, col := d.Source, d.Span.Col
	if text == "" || col < 1 || col > len(text)+1 {
		return
	}
	end := max(min(d.Span.End, len(text)+1), col+1)
	if col > maxSource/2 && len(text) > maxSource {
		cut := col - maxSource/2
		text, col, end = text[cut:], col-cut, end-cut
	}
	if len(text) > maxSource {
		text, end = text[:maxSource], min(end, maxSource+1)
	}
	b.WriteString("    ")
	for _, c := range []byte(text) {
		if c < ' ' && c != '\t' || c == 0x7f {
			c = '?'
		}
		b.WriteByte(c)
	}
	b.WriteString("\n    ")
	for _, c := range []byte(text[:col-1]) {
		switch {
		case c == '\t':
			b.WriteByte('\t')
		case c&0xc0 != 0x80: // one column for a character of several bytes
			b.WriteByte(' ')
		}
	}
	b.WriteString(strings.Repeat("^", max(end-col, 1)))
	b.WriteByte('\n')
}

// place is a Span as JSON has it.
type place struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	Col  int    `json:"column,omitempty"`
	End  int    `json:"end_column,omitempty"`
}

// object is a Diagnostic as JSON has it.
type object struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	place
	Message    string  `json:"message"`
	Expected   string  `json:"expected,omitempty"`
	Suggestion string  `json:"suggestion,omitempty"`
	Source     string  `json:"source,omitempty"`
	Used       []place `json:"used,omitempty"`
}

func (s Span) json() place { return place{s.File, s.Line, s.Col, s.End} }

// JSON is the list as an array of objects, for editors and CI; an empty list
// is an empty array.
func JSON(l List) []byte {
	all := make([]object, 0, len(l))
	for i := range l {
		d := &l[i]
		o := object{ID: d.ID, Severity: d.Severity.String(), place: d.Span.json(),
			Message: d.Message, Expected: d.Expected, Suggestion: d.Suggestion, Source: d.Source}
		for u := d.Span.Used; u != nil; u = u.Used {
			o.Used = append(o.Used, u.json())
		}
		all = append(all, o)
	}
	b, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return []byte("[]") // strings and numbers always marshal
	}
	return b
}
