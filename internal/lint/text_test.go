package lint

import (
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

func TestAKeywordIsFoundInItsBlock(t *testing.T) {
	text := newText(one(`vrrp_instance a {
    # priority 1
    notify "priority { 2"
    authentication {
        priority 3
    }
	priority 4
}
vrrp_instance b {
    advert_int 1
}
vrrp_instance c { priority 5 }
priority 6
`))
	for line, want := range map[int][2]int{1: {7, 2}, 9: {0, 0}, 12: {0, 0}, 99: {0, 0}} {
		n, col := text.find(conf.Pos{File: "k.conf", Line: line, Col: 15}, "priority")
		if n != want[0] || col != want[1] {
			t.Errorf("from line %d: %d:%d, want %v", line, n, col, want)
		}
	}
}

func TestLastLine(t *testing.T) {
	text := newText(one("first\r\nlast"))
	for n, want := range []string{"", "first", "last", ""} {
		if got := text.line("k.conf", n); got != want {
			t.Errorf("line %d is %q, want %q", n, got, want)
		}
	}
}

func TestAPlaceWithoutText(t *testing.T) {
	for _, text := range []*text{newText(nil), newText(one(""))} {
		s, source := text.place(conf.Pos{File: "other", Line: 3, Col: 9}, "priority")
		if s.Line != 3 || s.Col != 9 || s.End != 0 || source != "" {
			t.Errorf("%v %q", s, source)
		}
	}
}

func TestARuleComesToAnEnd(t *testing.T) {
	r := reporter{text: newText(nil), rule: &rules()[0]}
	for range maxFindings + 7 {
		r.say(finding{message: "m"})
	}
	r.rule = &rules()[1]
	r.say(finding{message: "other"})
	l := r.done()
	if len(l) != maxFindings+1 || l[maxFindings-1].Message != "m (and 7 more like this)" || l[maxFindings].Message != "other" {
		t.Errorf("%d: %v", len(l), l[len(l)-2:])
	}
}
