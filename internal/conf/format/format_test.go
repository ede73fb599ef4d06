package format

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSource(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"blank", "\n\n\n", ""},
		{"indent", "a {\nb\n  c {\nd\n}\n      }\ne", "a {\n    b\n    c {\n        d\n    }\n}\ne\n"},
		{"space", "a\tb   c{\n}\n", "a b c {\n}\n"},
		{"one line stays one", "a{b c{d}e}", "a { b c { d } e }\n"},
		{"brace moves up", "a b\n{\nc\n}\n", "a b {\n    c\n}\n"},
		{"brace with a comment moves up", "a b\n{ # c\n}\n", "a b { # c\n}\n"},
		{"only one brace moves up", "a\n{\n{\n}\n}\n", "a {\n    {\n    }\n}\n"},
		{"brace below a comment stays", "a b # c\n{\nd\n}\n", "a b # c\n{\n    d\n}\n"},
		{"brace below a condition stays", "@x a b\n{\nd\n}\n", "@x a b\n{\n    d\n}\n"},
		{"closing braces", "a {\nb {\nc }}\nd\n", "a {\n    b {\n        c } }\nd\n"},
		{"blank lines", "\n\na {\n\n\nb\n\n\n\nc\n\n}\n\n\n", "a {\n    b\n\n    c\n}\n"},
		{"comments", "# x\n a { ! y\n#z\n}\n", "# x\na { ! y\n    #z\n}\n"},
		{"trailing comments", "a 1 # x\nbcd 2     # y\n\ne # z\n", "a 1   # x\nbcd 2 # y\n\ne # z\n"},
		{"quotes", "a  \"b  {  c\"  d\n", "a \"b  {  c\" d\n"},
		{"scripts", "a  'b  c'\nb  c\\  d\n", "a  'b  c'\nb  c\\  d\n"},
		{"definitions", "$A=1\na {\n$B= \\\nb {  \\\nc  d \\\n}\ne  ${A}\n}\n",
			"$A=1\na {\n    $B= \\\n        b {  \\\n            c  d \\\n        }\n    e  ${A}\n}\n"},
		{"a backslash that does not go on", "$A=1 \\ \nb\n", "$A=1 \\ \nb\n"},
		{"a blank line ends a definition", "$A=1 \\\n\n\nb\n", "$A=1 \\\n\nb\n"},
		{"conditions", "@a x {\n@b y {\nc\n@a }\n@b }\nd\n", "@a x {\n@b y {\n    c\n@a }\n@b }\nd\n"},
		{"an id that ends in a brace", "a {\n@{ }\nb\n", "a {\n@{ }\nb\n"},
		{"sequences", "~SEQ(a,  1,  3) b  ${a}\n", "~SEQ(a,  1,  3) b  ${a}\n"},
		{"include", "a {\ninclude x{1,2}.conf\n}\n", "a {\n    include x{1,2}.conf\n}\n"},
		{"carriage returns", "a {\r\nb\r\n}\r\n", "a {\n    b\n}\n"},
		{"stray braces", "}\na\n}\n", "}\na\n}\n"},
		{"unended quote", "a  \"b {\nc  d\n", "a  \"b {\nc d\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Source(c.text)
			if got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			hold(t, c.text)
		})
	}
}

// hold: the meaning stays, for machines with either id, and laying out again
// changes nothing.
func hold(t interface{ Fatalf(string, ...any) }, text string) {
	got := Source(text)
	for _, id := range []string{"a", "b", ""} {
		if !Same(text, got, id) {
			t.Fatalf("the meaning has changed:\n%q\n%q", text, got)
		}
	}
	if again := Source(got); again != got {
		t.Fatalf("not laid out yet:\n%q\n%q\n%q", text, got, again)
	}
}

func TestSameSeesDifferences(t *testing.T) {
	for _, c := range [][2]string{{"a b", "a c"}, {"a b", "a"}, {"a {\n}", "a"}, {"a {\nb\n}", "a {\n}\nb"}, {"a 'b  c'", "a 'b c'"}, {"a b", `a "b"`}, {"a", "a\nb"}} {
		if Same(c[0], c[1], "") {
			t.Errorf("%q and %q are the same", c[0], c[1])
		}
	}
}

// pieces are what texts are made of; any order of them is tried.
var pieces = []string{"a", "b c", "{", "}", "{\n", "}\n", "\n", "\n\n", " ", "\t", "\r\n", "\\", "\\\n", "\\ \n", `"`, `""`, "'", "#", "!", "# c\n",
	"@a ", "@b ", "@^a ", "@", "@{ }", "@a{ ", "$A=", "$A=x\n", "$A", "${A}", "${", "$B= \\\nx {\\\ny\\\n}\n", "~SEQ(A, 1, 2) ", "~", "include x", "include", "{{ A }}", "{% x", "{{", "%}", "\x00", "\v", "\xff"}

func TestMeaningStays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hold(t, strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 40).Draw(t, "text"), ""))
	})
}

func TestSamples(t *testing.T) {
	files, _ := filepath.Glob("/usr/share/doc/keepalived/samples/keepalived.conf.*")
	more, _ := filepath.Glob("../../../examples/*/*.conf")
	files = append(files, more...)
	if dir := os.Getenv("HOLDFAST_CORPUS"); dir != "" {
		more, _ = filepath.Glob(filepath.Join(dir, "*.conf"))
		files = append(files, more...)
	}
	if len(files) == 0 {
		t.Skip("no samples on this machine")
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(f), func(t *testing.T) { hold(t, string(text)) })
	}
}

func TestSmallFiles(t *testing.T) {
	all, err := os.ReadFile("../testdata/verdicts.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(all), "\n=== ")[1:] {
		name, text, _ := strings.Cut(part, "\n")
		t.Run(name, func(t *testing.T) { hold(t, strings.ReplaceAll(text, "\\r", "\r")) })
	}
}

func FuzzSource(f *testing.F) {
	f.Add("a {\nb # c\n}\n")
	f.Add("$A= \\\nx {\\\n}\n@a b\n{\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 1<<12 && !strings.Contains(text, "~") { // sequences multiply
			hold(t, text)
		}
	})
}
