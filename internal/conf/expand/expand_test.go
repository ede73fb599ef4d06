package expand

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// disk is files by name; patterns match as path.Match has it.
type disk map[string]string

func (d disk) Read(name string) ([]byte, error) {
	if t, ok := d[name]; ok {
		return []byte(t), nil
	}
	return nil, errors.New("open " + name + ": no such file or directory")
}

func (d disk) Glob(pattern string) ([]string, error) {
	var names []string
	for n := range d {
		if ok, _ := path.Match(pattern, n); ok {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names, nil
}

var node = Options{ConfigID: "vm", Env: func(n string) string { return "env-" + n }}

// expanded reads a configuration: lines separated by |, and what was told.
func expanded(d disk, opt Options) (lines string, told diag.List) {
	l := New(d, "/etc/k.conf", opt, func(x diag.Diagnostic) { told.Add(x) })
	var all []string
	for {
		line, ok := l.Next()
		if !ok {
			return strings.Join(all, "|"), told
		}
		all = append(all, line.Text)
	}
}

func ids(told diag.List) string {
	var s []string
	for _, d := range told {
		s = append(s, d.ID)
	}
	return strings.Join(s, " ")
}

// Each row was tried on keepalived 2.2.7; where it does otherwise the comment
// says so.
var language = []struct {
	name, text, lines, told string
}{
	{"blank lines and space", "\n  a b \t\n\r\n\tc\r\n", "a b \t|c\r", ""},
	{"no line end", "a\nb", "a|b", ""},
	{"comments", "# x\n! y\na # b\na!b\na#b c\n", "a|a|a", ""},
	{"comment characters in double quotes", `a "b#c" "d!" # x`, `a "b#c" "d!"`, ""},
	{"single quotes keep no comment", `'a#b'`, `'a`, ""},
	{"escaped comment characters", `a\#b \!c # d`, `a#b !c`, ""},
	{"no escapes in quotes", `"a\#b"`, `"a\#b"`, ""},
	{"an escaped backslash escapes nothing", `a\\#b`, `a\\`, ""},
	{"an escaped quote does not close", `"a \"# b\" c"`, `"a \"# b\" c"`, ""},
	{"an escaped quote does not end", `x "\"`, `x "\"`, "HF004"},
	{"a line for us, and for others", "@vm a\n@x b\n@^vm c\n@^x d\n  @vm\te  f\n", "a|d|e  f", ""},
	{"no line left", "@vm\n@^x\n@vm # x\n", "", ""},
	{"no id", "@ a\n@^ b\n", "b", ""},
	{"one id a line", "@vm @vm a\n@vm @x b\n", "@vm a|@x b", ""},
	{"ids are whole words", "@vm{\n@VM a\n", "", ""},
	{"a line for holdfast alone", "@holdfast a\n@^holdfast b\n@vm c\n", "a|c", ""}, // keepalived reads b and c
	{"conditional definition", "@vm $A=1\n@x $A=2\nb ${A}\n", "b 1", ""},
	{"a definition that is a condition", "$I=@vm\n$J=@x\n$I a\n$J b\n", "a", ""}, // keepalived garbles the first
	{"definition", "$A=aaa\n$A\n${A}\n$A b\n${A}b\nx$A\nx${A}\n", "aaa|aaa|aaa b|aaab|xaaa|xaaa", ""},
	{"what may follow a bare use", "$A=1\n$A,\n$A)\n$A.\n$A-B\n$A/\n$A:\n$A;\n\"$A\"\n\"x $A y\"\n",
		"1,|1)|$A.|$A-B|$A/|$A:|$A;|\"$A\"|\"x 1 y\"", "HF006"},
	{"the last of two", "$A=1\n$A$A\n", "$A1", "HF006"},
	{"undefined", "a $FOO ${BAR} \"$BAZ\"\nb $FOO\n", "a $FOO ${BAR} \"$BAZ\"|b $FOO", "HF006 HF006"},
	{"no definitions", "$ D=1\n$D =1\n$1=a\n$A-B=1\n", "$ D=1|$D =1|$1=a|$A-B=1", "HF006"},
	{"empty value", "$C=\n$C\n$C a\nb ${C}\n", "a|b", ""},
	{"value without space and comment", "$A=  b c   # x\n${A}d\n", "b cd", ""},
	{"value with a quote", "$A=\"b # c\"\n$A\n", "\"b # c\"", ""},
	{"values are expanded where they are used", "$B=b${A}\n$A=1\n$B\n$A=2\n$B\n", "b1|b2", ""},
	{"one definition a line", "$A=one $B=two\n$A\n", "one $B=two", ""},
	{"doubling", "$A=${B}${B}\n$B=${C}${C}\n$C=z\n${A}\n", "zzzz", ""},
	{"a comment comes in", "$A=a\\#b\n${A}\n", "a", ""},
	{"built in", "${_PWD}/x ${_INSTANCE} ${_ENV HOME} ${_RANDOM 5 5}\n", "/etc/x vm env-HOME 5", ""},
	{"_HASH and _BANG need quotes", "\"x${_HASH}a${_BANG}\"\nx${_HASH}a\n", "\"x#a!\"|x", ""},
	{"several lines", "$M= \\\n a ${N} \\\n b\n$N=1\n$M\n$N=2\n$M\nc\n", "a 1|b|a 2|b|c", ""},
	{"several lines from the first", "$M=a \\\nb \\\nc\n$M\n", "a|b|c", ""},
	{"a blank line ends them", "$M= \\\n a \\\n\nb\n$M\n", "b|a", ""},
	{"comments between them", "$M= \\\n # x \\\n a # y \\\n b\nc\n$M\n", "c|a|b", ""},
	{"a comment does not end them", "$M= \\\n a \\\n # x\n b\n$M\n", "a|b", ""},
	{"a condition that comes in", "$A=@x a\n$B=@vm b\n@vm $A\n@vm $B\n", "b", ""},
	{"conditions among them", "$M= \\\n@vm a \\\n@x b \\\n c\n$M\n@x $M\n@vm $M\n", "a|c|a|c", ""},
	{"definitions among them", "$M= \\\n $X=1 \\\n a$X \\\n b${X}\n$M\n", "a1|b1", ""},
	{"within each other", "$A= \\\n a \\\n b\n$B= \\\n $A \\\n c\n$B\n", "a|b|c", ""},
	{"several lines at the end of a line", "$M= \\\n a \\\n b\nx ${M}\n$N=y $M\n$N\n", "x a|b|y a|b", ""},
	{"several lines within a line", "$M= \\\n a \\\n b\nx ${M} y\n$M z\n$N=$M\n${N}z\n$N\n", "x ${M} y|$M z|$Mz|a|b", "HF006 HF006"},
	{"hexadecimal and negative", "~SEQx(A,-1,3) a\n", "", "HF011"},
	{"a backslash continues definitions only", "a \\\nb\n", `a\|b`, "HF008"},
	{"a backslash behind a comment", "# x \\\na # y \\\n b \\ \n", `\|a\|b \`, "HF008 HF008"},
	{"a backslash behind an escape", "\\! \\\n", `!\`, "HF008"},
	{"sequences", "~SEQ(A,1,3) a$A\n~SEQ(B,2) b${B}\n~SEQ(C,2,1) c${C}\n~SEQ(D,-2) d${D}\n~SEQ(E,1,2,6) e${E}\n",
		"a1|a2|a3|b1|b2|c2|c1|d-1|d-2|e1|e3|e5", ""},
	{"hexadecimal", "~SEQx(F,9,10) f${F}\n~SEQx(G, 0x90, 0x10, 0xa0) ${G}\n~SEQx(H,0x12,-1,0x11) ${H}\n", "f9|fa|90|a0|12|11", ""},
	{"sequences of sequences", "~SEQ(I,1,2) ~SEQ(J,1,2) a${I}${J}\n", "a11|a12|a21|a22", ""},
	{"space in sequences", " ~SEQ (K, 1 , 2 )a${K}\n", "a1|a2", ""},
	{"arguments from definitions", "$N=2\n~SEQ(A,1,$N) a${A}\n~SEQ(B,${N},3) b${B}\n", "a1|a2|b2|b3", ""},
	{"no sequences", "~SEQ(A,1,0,6) a\n~SEQ(A,1,-1,6) a\n~SEQ(A,x,2) a\n~SEQ(A) a\n~SEQ(A,1,2\nb\n", "b", "HF011 HF011 HF011 HF011 HF011"},
	{"sequences only in front", "a ~SEQ(R,1,2) ${R}\n~SEQ\n~foo\n", "a ~SEQ(R,1,2) ${R}|~SEQ|~foo", "HF006"},
	{"told once", "~SEQ(A,1,3) x \"\\\"\n", `x "\"|x "\"|x "\"`, "HF004"},
	{"lists", "~LST(A,a,b) x${A}\n~LST({B,C},{1,2},{3,4}) ${B}x${C}\n~LST({D},{1},{3}) ${D}\n~LST( E , a , b ) ${E}\n~LST(F,,b) x${F}\n",
		"xa|xb|1x2|3x4|1|3|a|b|x|xb", ""},
	{"a value that is missing", "~LST({F,G},{1,2},{3}) ${F}x${G}\n", "1x2|3x", ""},
	{"lists of sequences", "~LST({K, L}, {10,1},{20,4}) ~SEQ(M,1,2) ${K}x${L}x${M}\n", "10x1x1|10x1x2|20x4x1|20x4x2", ""},
	{"no lists", "~LST(E) a\n~LST(H,a b,c) a\n", "", "HF011 HF011"},
	{"a sequence of definitions", "$M= \\\n a${N} \\\n b\n~SEQ(N,1,2) $M\n", "a1|b|a2|b", ""},
	{"include takes a name", "include\n", "include", ""},
	{"case matters", "Include x\n", "Include x", ""},
}

func TestLanguage(t *testing.T) {
	for _, c := range language {
		t.Run(c.name, func(t *testing.T) {
			lines, told := expanded(disk{"/etc/k.conf": c.text}, node)
			if lines != c.lines {
				t.Errorf("lines\n got %q\nwant %q", lines, c.lines)
			}
			if ids(told) != c.told {
				t.Errorf("told %v, want %q", told, c.told)
			}
		})
	}
}

func TestInclude(t *testing.T) {
	d := disk{
		"/etc/d/a.conf": "a\ninclude sub/x.conf\n", "/etc/d/b.conf": "b\n",
		"/etc/d/sub/x.conf": "x ${_PWD}\n", "/etc/z": "z\n",
	}
	for _, c := range []struct{ name, text, lines, told string }{
		{"relative to the including file", "include d/a.conf\nend", "a|x /etc/d/sub|end", ""},
		{"absolute", "include /etc/z\nend", "z|end", ""},
		{"pattern", "include d/*.conf", "a|x /etc/d/sub|b", ""},
		{"alternatives in their order", "include d/{b,a}.conf", "b|a|x /etc/d/sub", ""},
		{"alternatives within each other", "include {z,d/{b,a}.conf}", "z|b|a|x /etc/d/sub", ""},
		{"missing", "include nope\nend", "end", "HF007 warning"},
		{"nothing matches", "include nope*\nend", "end", "HF007 notice"},
		{"missing, to be readable", "includer nope\nend", "end", "HF007 warning"},
		{"missing, must match", "includem nope\nend", "", "HF007 fatal"},
		{"must match, wildcard", "includem nope*\nend", "end", "HF007 notice"},
		{"wildcard must match", "includew nope*\nend", "", "HF007 fatal"},
		{"alternatives must match", "includeb {nope,z}\nend", "", "HF007 fatal"},
		{"all checks", "includea nope\nend", "", "HF007 fatal"},
		{"include_check", "include_check\ninclude nope\nend", "include_check", "HF007 fatal"},
		{"include_check without", "include_check\ninclude_check -match\ninclude nope\nend", "include_check|include_check -match|end", "HF007 warning"},
		{"quotes are part of the name", `include "z"`, "", "HF007 warning"},
		{"all of the line is the name", "include z z", "", "HF007 warning"},
		{"with a comment", "include z # x", "z", ""},
		{"with a condition", "@vm include z\n@x include z", "z", ""},
		{"with a definition", "$F=z\ninclude $F\n$G=include z\n$G", "z|z", ""},
		{"itself", "a\ninclude k.conf\nb", "a|b", "HF005 error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d["/etc/k.conf"] = c.text
			lines, told := expanded(d, node)
			if lines != c.lines {
				t.Errorf("lines\n got %q\nwant %q", lines, c.lines)
			}
			var got []string
			for _, x := range told {
				got = append(got, x.ID+" "+x.Severity.String())
			}
			if s := strings.Join(got, ", "); s != c.told {
				t.Errorf("told %q, want %q", s, c.told)
			}
		})
	}
}

func TestMissingRoot(t *testing.T) {
	_, told := expanded(disk{}, node)
	if ids(told) != "HF001" || told[0].Severity != diag.Fatal || told[0].Span.File != "/etc/k.conf" {
		t.Errorf("%+v", told)
	}
}

func TestRelativeName(t *testing.T) {
	text := disk{"conf/k.conf": "${_PWD} a\n"}
	l := New(text, "conf/k.conf", Options{Dir: "/srv"}, func(d diag.Diagnostic) { t.Error(d) })
	if line, ok := l.Next(); !ok || line.Text != "/srv/conf a" {
		t.Errorf("%+v", line)
	}
}

func TestConfigIDIsTheFirstPartOfTheHostName(t *testing.T) {
	lines, _ := expanded(disk{"/etc/k.conf": "@a x ${_INSTANCE}\n@a.example y\n"}, Options{HostName: "a.example"})
	if lines != "x a" {
		t.Errorf("got %q", lines)
	}
}

// Every bomb ends in the error that names its bound.
func TestBounds(t *testing.T) {
	double := "$A0=x\n"
	empty := "$A0=\n"
	lines := "$A0=\\\na\\\nb\n"
	for i := 1; i < 60; i++ {
		double += fmt.Sprintf("$A%d=${A%d}${A%d}\n", i, i-1, i-1)
		empty += fmt.Sprintf("$A%d=${A%d}${A%d}\n", i, i-1, i-1)
		lines += fmt.Sprintf("$A%d=\\\n$A%d\\\n$A%d\n", i, i-1, i-1)
	}
	deep := disk{"/etc/k.conf": "include f0"}
	for i := range 80 {
		deep[fmt.Sprintf("/etc/f%d", i)] = fmt.Sprintf("include f%d", i+1)
	}
	many := disk{"/etc/k.conf": strings.Repeat("include z\n", MaxFiles+1), "/etc/z": "a\n"}
	for name, d := range map[string]disk{
		"doubling":          {"/etc/k.conf": double + "${A59}\n"},
		"doubling nothing":  {"/etc/k.conf": empty + "${A59}\n"},
		"itself":            {"/etc/k.conf": "$A=x${A}y\n$A\n"},
		"each other":        {"/etc/k.conf": "$A=$B\n$B=$A\n$A\n"},
		"itself, in lines":  {"/etc/k.conf": "$A=x \\\n$A \\\ny\n$A\n"},
		"long sequence":     {"/etc/k.conf": "~SEQ(A,1,2000000000) a\n"},
		"lists":             {"/etc/k.conf": "~LST(A," + strings.Repeat("x,", 5000) + "x) ~LST(B," + strings.Repeat("x,", 5000) + "x) a\n"},
		"doubling lines":    {"/etc/k.conf": lines + "$A59\n"},
		"long definition":   {"/etc/k.conf": "$A=" + strings.Repeat("b \\\n", 20000) + "\n"},
		"sequences":         {"/etc/k.conf": "~SEQ(A,1,9999) ~SEQ(B,1,9999) ~SEQ(C,1,9999) @x a\n"},
		"deep includes":     deep,
		"too many includes": many,
		"long line":         {"/etc/k.conf": strings.Repeat("a", MaxLine+1)},
	} {
		t.Run(name, func(t *testing.T) {
			var told diag.List
			size := 0
			l := New(d, "/etc/k.conf", node, func(x diag.Diagnostic) { told.Add(x) })
			l.left = 1 << 20 // the real bound takes a second
			for {
				line, ok := l.Next()
				if !ok {
					break
				}
				if size += len(line.Text); size > 1<<20 {
					t.Fatal("more than the bound came out")
				}
			}
			if ids(told) != "HF005" {
				t.Errorf("told %v", told)
			}
		})
	}
}

func TestPlaces(t *testing.T) {
	d := disk{
		"/etc/k.conf": "$A=abc\n$M= \\\n  foo ${A}x \\\n  bar\ninclude z\nkey $A end\n  $M\n~SEQ(N,7,8) n${N}m\n",
		"/etc/z":      "  in z # c\n x\\#y z\n",
	}
	var got []string
	l := New(d, "/etc/k.conf", node, func(x diag.Diagnostic) { t.Error(x) })
	for {
		line, ok := l.Next()
		if !ok {
			break
		}
		for off := 0; off < len(line.Text); {
			for isSpace(line.Text[off]) {
				off++
			}
			w := line.Text[off:][:wordEnd(line.Text[off:])]
			s := l.Span(line.At(off), 0)
			p := fmt.Sprintf("%s %s:%d:%d", w, strings.TrimPrefix(s.File, "/etc/"), s.Line, s.Col)
			for u := s.Used; u != nil; u = u.Used {
				p += fmt.Sprintf(" used %d:%d", u.Line, u.Col)
			}
			got = append(got, p)
			off += len(w)
		}
	}
	want := []string{
		"in z:1:3", "z z:1:6", "x#y z:2:2", "z z:2:7",
		"key k.conf:6:1", "abc k.conf:1:4 used 6:5", "end k.conf:6:8",
		"foo k.conf:3:3 used 7:3", "abcx k.conf:1:4 used 3:7 used 7:3", "bar k.conf:4:3 used 7:3",
		"n7m k.conf:8:13", "n8m k.conf:8:13",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n %s\nwant\n %s", strings.Join(got, "\n "), strings.Join(want, "\n "))
	}
}

// BenchmarkBomb is the time until expansion gives up.
func BenchmarkBomb(b *testing.B) {
	empty := "$A0=\n"
	for i := 1; i < 60; i++ {
		empty += fmt.Sprintf("$A%d=${A%d}${A%d}\n", i, i-1, i-1)
	}
	for name, text := range map[string]string{
		"nothing":  empty + "${A59}\n",
		"sequence": "~SEQ(A,1,2000000000) a${A}\n",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				expanded(disk{"/etc/k.conf": text}, node)
			}
		})
	}
}

// BenchmarkInstances is the largest example of keepalived.conf(5).
func BenchmarkInstances(b *testing.B) {
	text := `$VI4= \
	   track_file offset_instance_4.${IF}.${NUM}.${ID} { \
	       file "${_PWD}/679/track_files/4.${IF}.${NUM}.${ID}" \
	       weight -100 \
	   } \
	   vrrp_instance vrrp4.${IF}.${NUM}.${ID} { \
	       interface bond${IF}.${NUM} \
	       use_vmac vrrp4.${IF}.${NUM}.${ID} \
	       virtual_router_id ${ID} \
	       priority 130 \
	       virtual_ipaddress { \
		   10.${IF}.${NUM}.${ID}/24 \
	       } \
	       track_file { \
		   offset_instance_4.${IF}.${NUM}.${ID} \
	       } \
	   }

	   ~SEQ(IF,0,7) ~SEQ(NUM,0,31) ~SEQ(ID,1,254) $VI4
`
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		l := New(disk{"/etc/k.conf": text}, "/etc/k.conf", node, func(d diag.Diagnostic) { b.Fatal(d) })
		for {
			if _, ok := l.Next(); !ok {
				break
			}
			n++
		}
		b.ReportMetric(float64(n), "lines")
	}
}
