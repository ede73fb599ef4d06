package delta

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf/expand"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
)

// words are a few keywords, as package conf has them.
var words = Keywords{
	Local: func(k string) bool {
		return slices.Contains([]string{"real_server", "weight", "TCP_CHECK", "sorry"}, k)
	},
	Server: func(k string) bool { return k == "notify_up" },
}

type desk map[string]string

func (d desk) Read(name string) ([]byte, error) {
	if text, ok := d[name]; ok {
		return []byte(text), nil
	}
	return nil, errors.New("no such file")
}

func (d desk) Glob(string) ([]string, error) { return nil, nil }

// left says what is left out of want, by the lines that the blocks begin on in
// each text: "2/3 8/9".
func left(t *testing.T, have, want string, wrong ...int32) string {
	t.Helper()
	r := source.NewRecorder(desk{"f": have})
	_, _ = r.Read("f")
	d := New(NewPast(r.Set(), map[string][]int32{"f": wrong}, words), nil)
	right := d.Want("f", want)
	if !d.Sound() {
		t.Error("what was left out is not sound")
	}
	before := d.Have("f", have)
	if !d.Same() {
		return "all is read"
	}
	was, is := within(t, have, before), within(t, want, right)
	if len(was) != len(is) || len(was) != d.Services {
		t.Fatalf("left out: %d servers, %d before, and %d were counted", len(is), len(was), d.Services)
	}
	var out []string
	for i := range was {
		if was[i].text != is[i].text {
			t.Errorf("left out: %q and %q", was[i].text, is[i].text)
		}
		out = append(out, fmt.Sprintf("%d/%d", was[i].line, is[i].line))
	}
	return strings.Join(out, " ")
}

// block is a server that is left out.
type block struct {
	line int
	text string
}

// within are the servers in holes, which must be whole lines.
func within(t *testing.T, text string, holes []expand.Hole) (list []block) {
	t.Helper()
	for _, h := range holes {
		piece := text[h.From:h.To]
		if n := strings.Count(piece, "\n"); int(h.Lines) != n && (h.To < len(text) || int(h.Lines) != n+1) {
			t.Errorf("%d lines for %q", h.Lines, piece)
		}
		if strings.Contains(piece, "said") {
			t.Errorf("%q is left out, of which something was said", piece)
		}
		for at := 0; at < len(piece); {
			size := len(piece) - at
			if n := strings.Index(piece[at+1:], "\nvirtual_server"); n >= 0 {
				size = n + 2
			}
			server := piece[at : at+size]
			list = append(list, block{1 + strings.Count(text[:h.From+at], "\n"), server[:strings.LastIndexByte(server, '}')]})
			at += size
		}
	}
	return list
}

func vs(addr string, lines ...string) string {
	return "virtual_server " + addr + " {\n" + strings.Join(lines, "\n") + "\n}\n"
}

func TestWhatIsLeftOut(t *testing.T) {
	a, b, c := vs("10.0.0.1 80", "weight 1"), vs("10.0.0.2 80", "weight 1"), vs("10.0.0.3 80", "weight 1 # {", `weight "}"`)
	for name, x := range map[string]struct {
		have, want string
		wrong      []int32
		left       string
	}{
		"nothing changed":               {a + b + c, a + b + c, nil, "1/1 4/4 7/7"},
		"one changed":                   {a + b + c, a + vs("10.0.0.2 80", "weight 2") + c, nil, "1/1 7/7"},
		"one added":                     {a + c, a + b + c, nil, "1/1 4/7"},
		"one removed":                   {a + b + c, b + c, nil, "4/1 7/4"},
		"one moved":                     {a + b + c, b + c + a, nil, "4/1 7/4"},
		"many changed":                  {a + b + c, vs("10.0.0.9 80") + b + vs("10.0.0.8 80"), nil, "4/4"},
		"comments do not count":         {a + b, "# x\n" + a + "! {\n\n" + b, nil, "1/2 4/7"},
		"a comment that is spoken of":   {a + "# said\n" + b, a + "# said\n" + b, []int32{4}, "1/1 5/5"},
		"the text ends early":           {a + b, a + strings.TrimSuffix(b, "\n"), nil, "1/1"},
		"around them is the same":       {"x {\n y\n}\n" + a, "x {\n y\n}\n" + a, nil, "4/4"},
		"around them it is not":         {"x {\n y\n}\n" + a, "x {\n z\n}\n" + a, nil, "all is read"},
		"something comes":               {a, a + "x\n", nil, "all is read"},
		"behind something else":         {a + "x\n" + b, b + "x\n" + a, nil, ""},
		"something was wrong":           {a + b, a + b, []int32{5}, "1/1"},
		"something was wrong elsewhere": {"x\n" + a, "x\n" + a, []int32{1}, "2/2"},
		"a keyword that tells more":     {vs("10.0.0.1 80", "notify_up x") + b, vs("10.0.0.1 80", "notify_up x") + b, nil, "4/4"},
		"a keyword of elsewhere":        {vs("10.0.0.1 80", "interface x") + b, vs("10.0.0.1 80", "interface x") + b, nil, "all is read"},
		"an address twice":              {a + b + a, a + b + vs("10.0.0.1 80", "weight 2"), nil, "4/4"},
		"an address in other words":     {vs("fe80::1 80") + b + vs("fe80:0::1 80"), vs("fe80::1 80") + b + vs("fe80:0::1 80", "weight 1"), nil, "4/4"},
		"an address twice, indented":    {a + b, a + b + "\t " + vs("10.0.0.1 80", "weight 2"), nil, "4/4"},
		"an address in quotes":          {a + b, a + b + vs(`"10.0.0.1" 80`), nil, "all is read"},
		"a group like an address":       {a + "virtual_server_group 10.0.0.9 {\n10.0.0.1 80\n}\n", a + "virtual_server_group 10.0.0.9 {\n10.0.0.1 80\n}\n", nil, "all is read"},
		"a group":                       {vs("group g") + a, vs("group g") + a, nil, "all is read"},
		"a mark":                        {vs("fwmark 1") + a, vs("fwmark 2") + a, nil, "4/4"},
		"two on a line":                 {a + strings.TrimSuffix(b, "\n") + " " + c, a + strings.TrimSuffix(b, "\n") + " " + c, nil, "1/1"},
		"not first on its line":         {"x { } " + a + b, "x { } " + a + b, nil, "4/4"},
		"an included file":              {"include {a,b}\n" + a, "include {a,b}\n" + a, nil, "2/2"},
		"another file":                  {"include a\n" + a, "include b\n" + a, nil, "all is read"},
		"one file in a block":           {a + "x {\ninclude b\n}\n", a + "x {\ninclude b\n}\n", nil, "all is read"},
		"a definition":                  {"$A=1\n" + a, "$A=1\n" + a, nil, "all is read"},
		"a definition's name":           {vs("10.0.0.1 80", "weight ${A}"), vs("10.0.0.1 80", "weight ${A}"), nil, "all is read"},
		"a mere dollar":                 {vs("10.0.0.1 80", `weight "a$"`), vs("10.0.0.1 80", `weight "a$"`), nil, "1/1"},
		"a condition":                   {"@me x\n" + a, "@me x\n" + a, nil, "all is read"},
		"a sequence":                    {"~SEQ(a, 2) x\n" + a, "~SEQ(a, 2) x\n" + a, nil, "all is read"},
		"a backslash":                   {vs("10.0.0.1 80", `weight \`) + a, vs("10.0.0.1 80", `weight \`) + a, nil, "all is read"},
		"a placeholder":                 {vs("10.0.0.1 80", "weight {{ x }}"), vs("10.0.0.1 80", "weight {{ x }}"), nil, "all is read"},
		"an open quote":                 {vs("10.0.0.1 80", `weight "`), vs("10.0.0.1 80", `weight "`), nil, "all is read"},
		"an open block":                 {a + "x {\n", a + "x {\n", nil, "all is read"},
		"a block closed twice":          {a + "}\n", a + "}\n", nil, "all is read"},
		"a block without a keyword":     {a + "{\n}\n", a + "{\n}\n", nil, "all is read"},
		"one in a block":                {"x {\n" + a + "}\n", "x {\n" + a + "}\n", nil, "all is read"},
		"one in another one":            {vs("10.0.0.1 80", a), vs("10.0.0.1 80", a), nil, "all is read"},
		"a zero byte":                   {a + "\x00", a + "\x00", nil, "all is read"},
	} {
		if got := left(t, x.have, x.want, x.wrong...); got != x.left {
			t.Errorf("%s: left out %q, want %q", name, got, x.left)
		}
	}
}

// Two files are one configuration: an address may be in both.
func TestFilesAreComparedTogether(t *testing.T) {
	a, b, other := vs("10.0.0.1 80", "weight 1"), vs("10.0.0.2 80", "weight 1"), vs("10.0.0.1 80", "weight 2")
	open := func(want ...string) *Delta {
		r := source.NewRecorder(desk{"f": a + b, "g": a})
		_, _ = r.Read("f")
		_, _ = r.Read("g")
		d := New(NewPast(r.Set(), nil, words), nil)
		for i, text := range want {
			d.Want([]string{"f", "g", "h"}[i], text)
		}
		d.Have("f", "")
		d.Have("g", "")
		return d
	}
	if d := open(a+b, a); !d.Sound() || !d.Same() || d.Services != 3 {
		t.Error("nothing changed")
	}
	if d := open(a+b, other); d.Sound() {
		t.Error("the first file's server was left out, and the second has another one of its address")
	}
	if d := open(other+b, a); !d.Sound() || !d.Same() || d.Services != 1 {
		t.Error("the second file's server was left out, and the first has another one of its address")
	}
	if d := open(a + b); d.Same() {
		t.Error("a file that is gone was not missed")
	}
	if d := open(a+b, a, b); d.Sound() {
		t.Error("a file that came was left out of account")
	}
}

// pieces are what the texts of the next test are made of.
var pieces = []string{
	vs("10.0.0.1 80", "weight 1"), vs("10.0.0.2 80", "weight 1"), vs("10.0.0.2 80", "weight 2"), vs("10.0.0.3 80", "notify_up x"), vs("group g"),
	vs("10.0.0.4 80", "interface x"), "virtual_server 10.0.0.5 80 {\n} # x\n", "virtual_server 10.0.0.6 80 {\n} x\n", "virtual_server 10.0.0.7 80", "{\n}\n",
	"x {\n y\n}\n", "include a\n", "\n", "# x\n", "! x \\\n", "x", " ", "}", "$", "A=1", "\x00", `"`, "@me ",
}

// The same is left out whether or not what two texts have in common is looked at.
func TestWhatIsAlikeIsNotLookedAt(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	some := func(n int) (list []string) {
		for range n {
			list = append(list, pieces[min(r.IntN(len(pieces)), r.IntN(len(pieces)))])
		}
		return list
	}
	taken := 0
	for range 20_000 {
		begin, end := some(r.IntN(6)), some(r.IntN(6))
		have := strings.Join(slices.Concat(begin, some(r.IntN(3)), end), "")
		want := strings.Join(slices.Concat(begin, some(r.IntN(3)), end), "")
		set := source.NewRecorder(desk{"f": have})
		_, _ = set.Read("f")
		a, b := New(NewPast(set.Set(), nil, words), nil), New(NewPast(set.Set(), nil, words), func(string) (source.Alike, bool) { return source.Alike{}, true })
		right, whole := lines(want, a.Want("f", want)), lines(want, b.Want("f", want))
		left, all := lines(have, a.Have("f", have)), lines(have, b.Have("f", have))
		if !slices.Equal(right, whole) || !slices.Equal(left, all) || a.Services != b.Services || a.Servers != b.Servers {
			t.Fatalf("%q\nthen %q\nis read as %q, not %q; before %q, not %q", have, want, right, whole, left, all)
		}
		if f := a.files["f"]; f != nil && f.lead > 0 && f.tail > 0 {
			taken++
		}
	}
	if taken < 100 {
		t.Errorf("of both ends something was taken over %d times only", taken)
	}
}
