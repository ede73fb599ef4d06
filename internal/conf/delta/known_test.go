package delta

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf/expand"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
)

// sheet is a set of one file, as it was marshalled.
func sheet(t *testing.T, files desk) (*source.Set, *bytes.Reader) {
	t.Helper()
	r := source.NewRecorder(files)
	for _, name := range []string{"f", "g"} {
		if _, there := files[name]; there {
			_, _ = r.Read(name)
		}
	}
	b := r.Set().Marshal()
	set, err := source.Unmarshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return set, bytes.NewReader(b)
}

// lines are those that are read of a text with holes, with their numbers and
// without what is between statements.
func lines(text string, holes []expand.Hole) (out []string) {
	no := int32(1)
	for at := 0; at < len(text); {
		if len(holes) > 0 && at == holes[0].From {
			at, no = holes[0].To, no+holes[0].Lines
			holes = holes[1:]
			continue
		}
		line, _, _ := strings.Cut(text[at:], "\n")
		if s := strings.TrimSpace(line); s != "" && s[0] != '#' && s[0] != '!' {
			out = append(out, fmt.Sprintf("%d %s", no, s))
		}
		at, no = at+len(line)+1, no+1
	}
	if len(holes) > 0 {
		out = append(out, fmt.Sprintf("%d holes are not reached", len(holes)))
	}
	return out
}

// agree compares what is left of two texts with what Delta leaves, which looks
// at all of them, and gives what is known of the second.
func agree(t *testing.T, name string, k *Known, have, want string, wrong, after []int32) *Known {
	t.Helper()
	set, at := sheet(t, desk{"f": want})
	old, _ := sheet(t, desk{"f": have})
	d := New(NewPast(old, map[string][]int32{"f": wrong}, words), func(string) (source.Alike, bool) { return source.Alike{}, true })
	right := d.Want("f", want)
	left := d.Have("f", have)
	var s *Step
	if k != nil {
		s = k.Next(set, at)
	}
	if s == nil {
		if k != nil && d.Services > 0 && d.Sound() {
			t.Errorf("%s: all is read, not so by all of the texts", name)
		}
	} else {
		if s.Services != d.Services || s.Servers != d.Servers {
			t.Errorf("%s: %d and %d are left out, by all of the texts %d and %d", name, s.Services, s.Servers, d.Services, d.Servers)
		}
		for _, x := range []struct {
			set  *source.Set
			skip func(name, text string) []expand.Hole
			text string
			left []expand.Hole
		}{{s.Have, s.SkipHave, have, left}, {s.Want, s.SkipWant, want, right}} {
			data, _ := x.set.Read("f")
			got, all := lines(string(data), x.skip("f", "")), lines(x.text, x.left)
			if !slices.Equal(got, all) {
				t.Errorf("%s:\nread %q\nwant %q", name, got, all)
			}
		}
		if !s.Same() {
			t.Errorf("%s: other files", name)
		}
	}
	fresh := Learn(set, []string{"f"}, map[string][]int32{"f": after}, words)
	if s == nil {
		if fresh == nil {
			return nil
		}
		return fresh.At(set, at)
	}
	next := s.Known(set, at, map[string][]int32{"f": after})
	if fresh == nil {
		t.Fatalf("%s: it is known, and cannot be learnt", name)
	}
	plain := func(parts []part) (out []part) {
		for _, p := range parts {
			p.twin = -1
			out = append(out, p)
		}
		return out
	}
	if a, b := plain(next.files["f"]), plain(fresh.files["f"]); !slices.Equal(a, b) {
		t.Errorf("%s: known\n%+v\nlearnt\n%+v", name, a, b)
	}
	return next
}

func TestKnownLeavesOutWhatDeltaDoes(t *testing.T) {
	a, b, c := vs("10.0.0.1 80", "weight 1"), vs("10.0.0.2 80", "weight 1"), vs("10.0.0.3 80", "weight 1 # {", `weight "}"`)
	for name, x := range map[string]struct {
		have, want string
		wrong      []int32
	}{
		"nothing changed":            {a + b + c, a + b + c, nil},
		"one changed":                {a + "\n# x\n" + b + "\n" + c, a + "\n# x\n" + vs("10.0.0.2 80", "weight 2") + "\n" + c, nil},
		"one longer":                 {a + b + "\n" + c, a + vs("10.0.0.2 80", "weight 1", "weight 2") + "\n" + c, nil},
		"one added":                  {a + "\n" + c, a + "\n" + b + "\n" + c, nil},
		"one removed":                {a + b + c, b + c, nil},
		"one removed in the middle":  {a + b + c, a + c, nil},
		"the last removed":           {a + b + c, a + b, nil},
		"one moved":                  {a + b + c, b + c + a, nil},
		"comments":                   {a + b, "# x\n" + a + "! {\n\n" + b, nil},
		"no end of line":             {strings.TrimSuffix(a, "\n"), a + b, nil},
		"no more end of line":        {a + b, a + strings.TrimSuffix(b, "\n"), nil},
		"goes on behind the brace":   {strings.TrimSuffix(a, "\n"), strings.TrimSuffix(a, "\n") + " x\n" + b, nil},
		"around them":                {"x {\n y\n}\n" + a, "x {\n z\n}\n" + a, nil},
		"something comes":            {a, a + "x\n", nil},
		"something was wrong":        {a + b, a + b, []int32{5}},
		"wrong between":              {a + "! x\n" + b + c, a + "! x\n" + b + c, []int32{4}},
		"an address twice":           {a + b + a, a + b + vs("10.0.0.1 80", "weight 2"), nil},
		"another at the first":       {a + b, vs("10.0.0.2 80", "weight 2") + a, nil},
		"a group comes":              {a + b, a + vs("group g") + b, nil},
		"a mark":                     {vs("fwmark 1") + a, vs("fwmark 2") + a, nil},
		"a definition comes":         {a + b, a + "$A=1\n" + b, nil},
		"a zero byte comes":          {a + b, a + "# \x00\n" + b, nil},
		"a mark of byte order comes": {a + b, mark + a + b, nil},
		"two on a line":              {a + b, a + strings.TrimSuffix(b, "\n") + " " + c, nil},
		"an open block":              {a + b, a + "virtual_server 10.0.0.9 80 {\n" + b, nil},
		"a quote opens":              {a + b + c, a + "x \"\n" + b + c, nil},
		"empty":                      {a, "", nil},
		"from nothing":               {"", a, nil},
	} {
		set, at := sheet(t, desk{"f": x.have})
		k := Learn(set, []string{"f"}, map[string][]int32{"f": x.wrong}, words)
		if k != nil {
			k = k.At(set, at)
		}
		agree(t, name, k, x.have, x.want, x.wrong, x.wrong)
	}
}

// Texts are changed at random, one after the other, longer than what is compared
// at once.
func TestKnownFollowsManyChanges(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	one := func() string {
		s := vs(fmt.Sprintf("10.0.%d.%d 80", r.IntN(3), r.IntN(40)), fmt.Sprintf("weight %d", r.IntN(9)), "# "+strings.Repeat("x", r.IntN(2000)))
		return s + []string{"", "\n", "# y\n\n", "x\n", "x { y\n}\n", "! z\n"}[r.IntN(40)%6]
	}
	blocks := make([]string, 60)
	for i := range blocks {
		blocks[i] = one()
	}
	have, wrong := strings.Join(blocks, ""), []int32(nil)
	set, at := sheet(t, desk{"f": have})
	k := Learn(set, []string{"f"}, nil, words).At(set, at)
	for i := range 300 {
		for range 1 + r.IntN(3) {
			at := r.IntN(len(blocks))
			switch r.IntN(4) {
			case 0:
				blocks = slices.Delete(blocks, at, at+1)
			case 1:
				blocks = slices.Insert(blocks, at, one())
			case 2:
				blocks[at] = strings.Replace(blocks[at], "weight", "weight 1", 1)
			default:
				blocks[at], blocks[0] = blocks[0], blocks[at]
			}
		}
		want, after := strings.Join(blocks, ""), []int32{int32(1 + r.IntN(200)), int32(201 + r.IntN(100))}
		k = agree(t, fmt.Sprint("change ", i), k, have, want, wrong, after)
		have, wrong = want, after
	}
}
