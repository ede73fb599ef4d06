package syntax

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf/expand"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// one is a disk with one file on it.
type one string

func (o one) Read(name string) ([]byte, error) {
	if name != "/k.conf" {
		return nil, errors.New("open " + name + ": no such file or directory")
	}
	return []byte(o), nil
}

func (o one) Glob(string) ([]string, error) { return nil, nil }

// read parses a text and writes it on one line: words in [] if quoted, blocks
// in {}, statements ended by a semicolon.
func read(text string) (out string, told diag.List) {
	r := NewReader(one(text), "/k.conf", expand.Options{ConfigID: "vm"}, func(d diag.Diagnostic) { told.Add(d) })
	var b strings.Builder
	for {
		n, ok := r.Next()
		if !ok {
			return b.String(), told
		}
		write(&b, n)
	}
}

func write(b *strings.Builder, n *Node) {
	for i, w := range n.Words {
		if i > 0 {
			b.WriteByte(' ')
		}
		if w.Quoted {
			fmt.Fprintf(b, "[%s]", w.Text)
		} else {
			b.WriteString(w.Text)
		}
	}
	if n.Opened {
		b.WriteString("{")
		for i := range n.Block {
			write(b, &n.Block[i])
		}
		b.WriteString("}")
	}
	b.WriteString(";")
}

// places are the diagnostics without their words.
func places(told diag.List) string {
	var s []string
	for _, d := range told {
		s = append(s, fmt.Sprintf("%s %d:%d", d.ID, d.Span.Line, d.Span.Col))
	}
	return strings.Join(s, ", ")
}

// Every row was tried on keepalived 2.2.7, which splits lines in this way.
func TestForm(t *testing.T) {
	for _, c := range []struct{ name, text, want, told string }{
		{"words", "a b\tc\vd\r\n", "a b c d;", ""},
		{"quotes keep space", `a "b c" d`, "a [b c] d;", ""},
		{"quotes keep braces", `a "b{c}" d`, "a [b{c}] d;", ""},
		{"a quote ends a word and begins one", `a"b c"d e"f"`, "a [b c] d e [f];", ""},
		{"an empty word", `a "" b`, "a [] b;", ""},
		{"single quotes are letters", `'a b' c`, "'a b' c;", ""},
		{"backslashes are letters", `a\ b "c\" d`, `a\ b [c\] d;`, "HF004 1:6"},
		{"unterminated", `a "b c` + "\nd", "a;d;", "HF004 1:3"},
		{"unterminated at the end", `a b"`, "a b;", "HF004 1:4"},
		{"nothing but a quote", `"a` + "\nb", "b;", "HF004 1:1"},
		{"a brace in an unterminated quote", "a \"{\nb", "a;b;", "HF004 1:3"},
		{"block", "a b {\n c\n d e\n}\nf", "a b{c;d e;};f;", ""},
		{"brace on the next line", "a b\n{\n c\n}\n", "a b{c;};", ""},
		{"brace after blank lines and comments", "a b\n\n# x\n\n{\n c\n {\n d\n}\n}\n", "a b{c{d;};};", ""},
		{"one line", "a { b c { d } e }", "a{b c{d;};e;};", ""},
		{"glued", "a{b}c d{e}", "a{b;};c d{e;};", ""},
		{"glued to quotes", `a"b"{c"d"}`, "a [b]{c [d];};", ""},
		{"words behind a closing brace", "a {\n b\n} c {\n d\n} e", "a{b;};c{d;};e;", ""},
		{"closing braces on a line", "a {\n b {\n c }}\nd", "a{b{c;};};d;", ""},
		{"empty blocks", "a {\n}\nb {}\nc\n{\n}\n", "a{};b{};c{};", ""},
		{"braces and comments", "a { # b {\n c # }\n } ! }\nd", "a{c;};d;", ""},
		{"no block", "a\nb", "a;b;", ""},
		{"placeholders", "a {{ B }} c\n{{ D }}\n{% if e %} f {% endif %} {\n{{G}}{{H}}\n}", "a {{ B }} c;f {% endif %}{};", // keepalived reads blocks
			"HF090 1:3, HF090 2:1, HF090 3:1, HF090 3:14, HF090 4:1, HF090 4:6"},
		{"no placeholder", "a {{ b\n}}\n", "a{b;};", "HF003 1:4, HF003 2:2"},
		{"a lone block", "{\n a\n}\n", "a;", "HF003 1:1, HF003 3:1"},
		{"two blocks of one keyword", "a {\n b\n}\n{\n c\n}\n", "a{b;};c;", "HF003 4:1, HF003 6:1"},
		{"opened twice", "a {\n{\n b\n}\n}\nc", "a{b;};c;", "HF003 2:1, HF003 5:1"},
		{"extra brace", "a {\n b\n}\n}\nc", "a{b;};c;", "HF003 4:1"},
		{"extra braces", "}\n}\n", "", "HF003 1:1, HF003 2:1"},
		{"missing brace", "a {\n b {\n  c\n }\n", "a{b{c;};};", "HF002 1:3"},
		{"missing inner brace", "a {\n b {\n  c\n}\nd {\n e\n}\n", "a{b{c;};d{e;};};", "HF002 2:4"},
		{"missing braces", "a {\n b {\n", "a{b{};};", "HF002 2:4"},
		{"undefined with braces", "a ${B} c${D}e { f\n}\n${G}", "a ${B} c${D}e{f;};${G};", "HF006 1:3, HF006 1:9, HF006 3:1"}, // keepalived reads blocks
		{"no name in braces", "a ${ B}\n${}\n${a", "a ${B;};${};${a;};", "HF002 3:2"},
		{"conditional braces", "@vm a {\n@vm }\n@x b {\n@x }\n", "a{};", ""},
		{"a brace begins a line", "a { @vm b\n@vm c } @x d {\n} $A=e\nf { ${A} }\n", "a{b;c;};f{e;};", "HF003 3:1"},
		{"a block from a definition", "$V=a b {\n$V\nc\n}\n", "a b{c;};", ""},
		{"blocks in lines of a definition", "$V= \\\n a ${N} { \\\n b { c${N} } \\\n}\n$N=1\n$V\n$N=2\n$V\n", "a 1{b{c1;};};a 2{b{c2;};};", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, told := read(c.text)
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if p := places(told); p != c.told {
				t.Errorf("told %s\nwant %s", p, c.told)
			}
		})
	}
}

func TestTooDeep(t *testing.T) {
	got, told := read(strings.Repeat("a {\n", 1000) + strings.Repeat("}\n", 1000))
	if len(told) != 1 || told[0].ID != "HF005" || told[0].Severity != diag.Fatal {
		t.Errorf("told %v", told)
	}
	if n := strings.Count(got, "{"); n != MaxDepth+1 {
		t.Errorf("%d blocks", n)
	}
}

func TestSpans(t *testing.T) {
	r := NewReader(one("$A=abc\nkey \"q w\" x${A}y $A\n"), "/k.conf", expand.Options{}, func(diag.Diagnostic) {})
	n, _ := r.Next()
	want := []string{"2:1-4", "2:5-10", "2:11-17", "1:4-7 used 2:18"}
	for i, w := range n.Words {
		s := r.Span(w)
		got := fmt.Sprintf("%d:%d-%d", s.Line, s.Col, s.End)
		if s.Used != nil {
			got += fmt.Sprintf(" used %d:%d", s.Used.Line, s.Used.Col)
		}
		if got != want[i] {
			t.Errorf("%s: %s, want %s", w.Text, got, want[i])
		}
	}
	if l := r.Line(n.Words[1].At); l != `key "q w" x${A}y $A` {
		t.Errorf("line %q", l)
	}
	if n.Text != `key "q w" xabcy abc` {
		t.Errorf("text %q", n.Text)
	}
	if s := r.SpanAt(Pos{}); s != (diag.Span{}) {
		t.Errorf("no place has a span: %v", s)
	}
}

// What is awkward for a naive reader takes no more than its share of time; a
// quadratic one would hang here.
func TestLinear(t *testing.T) {
	const size = expand.MaxLine
	pieces := "$A=" + strings.Repeat("\\#", 1000) + "\n$B=" + strings.Repeat("${A}", 20) + "\n"
	for name, line := range map[string]string{
		"opening braces": strings.Repeat("{", size), "closing braces": strings.Repeat("}", size),
		"dollars and braces": strings.Repeat("${", size/2), "names without an end": strings.Repeat("${a", size/3),
		"arguments without an end": strings.Repeat("${_a ", size/5), "quotes": strings.Repeat("\"", size),
		"many pieces": pieces + strings.Repeat("k \"${B}\" ", 3), "words": strings.Repeat("a ", size/2),
		"lines": "$L=" + strings.Repeat("x \\\n", 10000) + "x\nk $L\n", "sequences": strings.Repeat("~SEQ(A,1,1)", size/11),
	} {
		text := strings.Repeat(line+"\n", 20)
		r := NewReader(one(text), "/k.conf", expand.Options{}, func(diag.Diagnostic) {})
		n := 0
		for {
			if _, ok := r.Next(); !ok {
				break
			}
			n++
		}
		t.Logf("%s: %d bytes, %d statements", name, len(text), n)
	}
}

// A node is good until the next one, and the strings longer than that.
func TestArenasAreUsedAgain(t *testing.T) {
	r := NewReader(one("a b {\n c d\n e f\n}\ng h {\n i j\n}\n"), "/k.conf", expand.Options{}, func(diag.Diagnostic) {})
	n, _ := r.Next()
	kept := n.Block[1].Words[1].Text
	if _, ok := r.Next(); !ok || kept != "f" {
		t.Errorf("kept %q", kept)
	}
	if _, ok := r.Next(); ok {
		t.Error("a third statement")
	}
	if _, ok := r.Next(); ok {
		t.Error("a statement after the end")
	}
}

// FuzzReader: no text makes the reader panic, go on for ever, or give words
// whose places are not in the text.
func FuzzReader(f *testing.F) {
	for _, s := range []string{
		"global_defs {\n router_id a # b\n}\n", "a { b c { d } e }", "a{b}c \"d e\"{f}", "}\n{\n}}", `a "b\" c\#d`,
		"$A= \\\n b ${N} { \\\n @vm c \\\n}\n$N=1\n$A\n", "~SEQ(A,1,3) ~LST({B,C},{1,2},{3,4}) d${A}${B} {\n}\n",
		"include k.conf\ninclude {a,b}*.conf\n", "$A=$B\n$B=$A\n$A\n", "${_RANDOM 1 9} ${_ENV X} ${_PWD} \"${_HASH}\"",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := NewReader(one(text), "/k.conf", expand.Options{ConfigID: "vm"}, func(d diag.Diagnostic) {
			if d.ID == "" || d.Message == "" {
				t.Errorf("an empty diagnostic: %+v", d)
			}
		})
		// Expansion has its bounds, which would take seconds here.
		for range 10000 {
			n, ok := r.Next()
			if !ok {
				return
			}
			inspect(t, r, n)
		}
	})
}

func inspect(t *testing.T, r *Reader, n *Node) {
	if len(n.Words) == 0 {
		t.Fatal("a statement without words")
	}
	for _, w := range n.Words {
		if s := r.Span(w); s.Line < 1 || s.Col < 1 || s.Col > len(r.Line(w.At))+1 || s.End != 0 && s.End < s.Col {
			t.Fatalf("word %q at %+v of %q", w.Text, s, r.Line(w.At))
		}
	}
	for i := range n.Block {
		inspect(t, r, &n.Block[i])
	}
}

func BenchmarkReader(b *testing.B) {
	text := servers(1000, 10)
	for _, c := range []struct{ name, text string }{{"plain", text}, {"comments", strings.ReplaceAll(text, "\n", " # x\n")}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				r := NewReader(one(c.text), "/k.conf", expand.Options{}, func(d diag.Diagnostic) { b.Fatal(d) })
				for {
					if _, ok := r.Next(); !ok {
						break
					}
				}
			}
		})
	}
}

// servers is a configuration of n virtual servers with m real servers each.
func servers(n, m int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "virtual_server 10.%d.%d.1 80 {\n    delay_loop 6\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n", i/250, i%250)
		for j := range m {
			fmt.Fprintf(&b, "    real_server 192.168.%d.%d 80 {\n        weight 1\n        TCP_CHECK {\n            connect_timeout 3\n        }\n    }\n", i%250, j)
		}
		b.WriteString("}\n")
	}
	return b.String()
}
