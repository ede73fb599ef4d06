package grammar

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/dlclark/regexp2"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

func TestEveryKeywordIsThere(t *testing.T) {
	known := map[string]bool{}
	for l := range strings.Lines(Vim()) {
		if f := strings.Fields(l); len(f) > 3 && f[0] == "syn" && f[1] == "keyword" {
			for _, w := range f[3:] {
				if known[w] {
					t.Errorf("%s is there twice", w)
				}
				known[w] = true
			}
		}
	}
	for _, k := range conf.Keywords() {
		if !known[k.Name] {
			t.Errorf("Vim does not know %s", k.Name)
		}
	}
}

// What an editor would colour; regexp2 has the look-arounds that theirs have.
func TestTextMate(t *testing.T) {
	var g struct{ Patterns []pattern }
	if err := json.Unmarshal(TextMate(), &g); err != nil {
		t.Fatal(err)
	}
	first := func(line, want string) string {
		for _, p := range g.Patterns {
			re := regexp2.MustCompile(p.Match+p.Begin, 0)
			m, _ := re.FindStringMatch(line)
			for ; m != nil; m, _ = re.FindNextMatch(m) {
				if strings.TrimSpace(m.String()) == want {
					return p.Name
				}
			}
		}
		return ""
	}
	for _, c := range [][3]string{
		{"vrrp_instance VI_1 {", "vrrp_instance", "entity.name.type.keepalived"},
		{"    priority 100 # high", "priority", "keyword.other.keepalived"},
		{"    priority 100 # high", "100", "constant.numeric.keepalived"},
		{"    priority 100 # high", "# high", "comment.line.keepalived"},
		{"    priority_x 100", "priority", ""},
		{"    state MASTER", "MASTER", "constant.language.keepalived"},
		{"    192.0.2.1/24 dev eth0", "192.0.2.1/24", "constant.numeric.address.keepalived"},
		{"    2001:db8::1/64", "2001:db8::1/64", "constant.numeric.address.keepalived"},
		{"@main priority 5", "@main", "keyword.control.conditional.keepalived"},
		{"$A=5", "$A", "entity.name.constant.keepalived"},
		{"include a.conf", "include", "keyword.control.import.keepalived"},
	} {
		if got := first(c[0], c[1]); got != c[2] {
			t.Errorf("%q in %q is %q, want %q", c[1], c[0], got, c[2])
		}
	}
	if !slices.ContainsFunc(g.Patterns, func(p pattern) bool { return p.Begin != "" }) {
		t.Error("no strings")
	}
}
