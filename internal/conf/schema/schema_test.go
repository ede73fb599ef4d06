package schema

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// box is what the table of these tests fills.
type box struct {
	n     int
	wait  time.Duration
	words []string
	log   []string
}

var grammar = &Block[box]{Parts: [][]Row[box]{{
	{Name: "count", Doc: "A number.", Args: []Arg{{Kind: Number, Min: 1, Max: 9}}, Set: func(b *box, s *Stmt) { b.n = s.Int() }, Wrong: func(b *box) { b.n = -1 }},
	{Name: "near", Doc: "A number.", Soft: true, Args: []Arg{{Kind: Number, Min: 1, Max: 9, Clamp: true}}, Set: func(b *box, s *Stmt) { b.n = s.Int() }},
	{Name: "wait", Doc: "Seconds.", Args: []Arg{{Kind: Seconds, Min: 0, Max: int64(time.Minute)}}, Set: func(b *box, s *Stmt) { b.wait = s.Value(0).Dur() }},
	{Name: "outer", Doc: "A block.", Args: []Arg{{Kind: Name}}, Exact: true,
		Set: func(b *box, s *Stmt) { b.log = append(b.log, "begin "+s.Text()) }, End: func(b *box) { b.log = append(b.log, "end") },
		Block: &Block[box]{Name: "outer", Parts: [][]Row[box]{{
			{Name: "inner", Doc: "A flag.", Set: func(b *box, s *Stmt) { b.log = append(b.log, "inner") }},
			{Name: "later", Doc: "A flag.", Unbuilt: true, Since: "2.4", Deprecated: "inner", Own: true},
		}}}},
	{Name: "list", Doc: "A list.", Block: &Block[box]{Name: "list", LineArgs: []Arg{{Kind: Name}}, Line: func(b *box, s *Stmt) { b.words = append(b.words, s.Node.Words[0].Text) }}, Bare: true},
}}}

// spans is a Spanner without a text.
type spans struct{}

func (spans) Span(w syntax.Word) diag.Span { return diag.Span{File: "f", Line: int(w.At.Line)} }
func (spans) Line(syntax.Pos) string       { return "" }

// line makes a statement of words; block is what stands in its braces.
func line(words string, block ...syntax.Node) syntax.Node {
	n := syntax.Node{Block: block}
	for _, w := range strings.Fields(words) {
		if w == "{" {
			n.Opened, n.End = true, syntax.Pos{Line: 1}
			continue
		}
		n.Words = append(n.Words, syntax.Word{Text: w})
	}
	return n
}

func walk(t *testing.T, nodes ...syntax.Node) (box, string) {
	t.Helper()
	var b box
	var said []string
	w := Walker[box]{Root: grammar, Into: &b, Reporter: Reporter{Spans: spans{}, Add: func(d diag.Diagnostic) {
		said = append(said, d.ID+" "+d.Severity.String())
	}}}
	for i := range nodes {
		w.Statement(&nodes[i])
	}
	return b, strings.Join(said, ", ")
}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		text, said string
		n          int
		wait       time.Duration
	}{
		{"count 5", "", 5, 0},
		{"count +5", "", 5, 0},
		{"count 0", "HF011 error", -1, 0},
		{"count five", "HF011 error", -1, 0},
		{"count", "HF012 fatal", -1, 0},
		{"count 5 6", "HF013 warning", 5, 0},
		{"count 99999999999999999999", "HF011 error", -1, 0},
		{"near", "HF012 error", 0, 0},
		{"near 0", "HF011 error", 1, 0},
		{"near 10", "HF011 error", 9, 0},
		{"near -x", "HF011 error", 0, 0},
		{"wait 1.5", "", 0, 1500 * time.Millisecond},
		{"wait .25", "", 0, 250 * time.Millisecond},
		{"wait 1.0000005", "", 0, time.Second},
		{"wait -0.5", "HF011 error", 0, 0},
		{"wait 61", "HF011 error", 0, 0},
		{"wait 1.5s", "HF011 error", 0, 0},
		{"wait .", "HF011 error", 0, 0},
		{"cuont 5", "HF010 error", 0, 0},
		{"inner", "HF014 error", 0, 0},
	} {
		b, said := walk(t, line(c.text))
		if said != c.said || b.n != c.n || b.wait != c.wait {
			t.Errorf("%q: %d, %v, said %q", c.text, b.n, b.wait, said)
		}
	}
}

func TestBlocks(t *testing.T) {
	for _, c := range []struct {
		name      string
		node      syntax.Node
		log, said string
	}{
		{"read", line("outer a {", line("inner")), "begin a inner end", ""},
		{"no block", line("outer a"), "", "HF017 error"},
		{"no name", line("outer {", line("inner")), "", "HF012 fatal"},
		{"two names", line("outer a b {", line("inner")), "", "HF013 error"},
		{"no effect yet", line("outer a {", line("later"), line("later")), "begin a end", "HF016 warning, HF030 notice, HF016 warning"},
		{"a brace too many ends the block", line("outer a {", line("inner {"), line("inner")), "begin a inner end", "HF015 error, HF014 error"},
		{"so does an unknown block, and what is in it counts", line("outer a {", line("x {", line("inner")), line("count 3")), "begin a inner end", "HF010 error"},
		{"an unknown block at the root ends nothing", line("x {", line("outer a {", line("inner"))), "begin a inner end", "HF010 error"},
		{"an open end", syntax.Node{Words: line("outer a").Words, Opened: true, Block: []syntax.Node{line("inner")}}, "begin a inner end", ""},
	} {
		b, said := walk(t, c.node)
		if got := strings.Join(b.log, " "); got != c.log || said != c.said {
			t.Errorf("%s: %q, said %q", c.name, got, said)
		}
	}
	b, said := walk(t, line("list {", line("a b"), line("c")))
	if strings.Join(b.words, " ") != "a c" || said != "" {
		t.Errorf("list: %v, said %q", b.words, said)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"interface", "interface", 0}, {"interface", "interfase", 1}, {"interface", "intreface", 1}, {"interface", "INTERFACE", 0},
		{"ab", "ba", 1}, {"", "abc", 3}, {"weight", "weigth", 1}, {"priority", "prority", 1},
	} {
		if got := distance(c.a, c.b); got != c.want || distance(c.b, c.a) != c.want {
			t.Errorf("%q and %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
	if got := Nearest("chk-http", []string{"chk_https", "chk_http", "x"}); got != "chk_http" {
		t.Errorf("nearest %q", got)
	}
	if got := Nearest("web", []string{"database", "chk_http"}); got != "" {
		t.Errorf("nearest %q", got)
	}
}

func TestReference(t *testing.T) {
	got := Reference(grammar)
	for _, want := range []string{
		"## The file", "- `count NUMBER` (number from 1 to 9)", "- `wait SECONDS` (seconds from 0 to 60)", "## outer",
		"*holdfast's own.* *Since keepalived 2.4.* *Deprecated, use inner.* *No effect yet.*", "One a line: `NAME`",
		"- `inner`: [outer](#outer)",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestExpected(t *testing.T) {
	for _, c := range []struct {
		a    Arg
		want string
	}{
		{Arg{Kind: Number, Min: -5, Max: 5}, "a number from -5 to 5"},
		{Arg{Kind: Seconds, Min: int64(10 * time.Millisecond), Max: int64(255 * time.Second)}, "seconds from 0.01 to 255"},
		{Arg{Kind: Enum, Words: []string{"a", "b"}}, "one of a, b"},
		{Arg{Label: "PASSWORD"}, "PASSWORD"},
	} {
		if got := c.a.Expected(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
