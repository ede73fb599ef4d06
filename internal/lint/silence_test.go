package lint

import (
	"fmt"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

func one(text string) archive {
	return archive{Archive: &txtar.Archive{Files: []txtar.File{{Name: "k.conf", Data: []byte(text)}}}}
}

func TestIgnores(t *testing.T) {
	for line, want := range map[string]bool{
		"priority 100 # holdfast: ignore HF104":                  true,
		"priority 100 ! holdfast: ignore hf104":                  true,
		"# holdfast: ignore HF101, HF104":                        true,
		"# holdfast: ignore HF101,HF104 the links are different": true,
		"# as agreed; holdfast: ignore HF104":                    true,
		"# holdfast: ignore HF104\r":                             true,
		"# holdfast: ignore HF1044":                              false,
		"# holdfast: ignore HF101 unlike HF104":                  false,
		"# holdfast: ignore":                                     false,
		"# ignore HF104":                                         false,
		`script "# holdfast: ignore HF104"`:                      false,
		"holdfast: ignore HF104":                                 false,
	} {
		if got := ignores(line, "HF104"); got != want {
			t.Errorf("%q: %t", line, got)
		}
	}
}

const twoMarks = `virtual_server fwmark 7 {
    real_server 192.0.2.21 {
        PING_CHECK {
        }
    }
}
%s
virtual_server fwmark 7 {%s
    real_server 192.0.2.21 {
        PING_CHECK {
        }
    }
}
`

func TestSilencedFindingsAreLeftOut(t *testing.T) {
	for _, c := range []struct {
		above, behind string
		want          int
	}{
		{"", "", 1},
		{"# holdfast: ignore HF127", "", 0},
		{"", " # holdfast: ignore HF127 on purpose", 0},
		{"# holdfast: ignore HF128", "", 1},
		// behind something on the line above, a comment speaks of that line
		{"vrrp_version 3 # holdfast: ignore HF127", "", 1},
	} {
		text := one(fmt.Sprintf(twoMarks, c.above, c.behind))
		cfg, _ := conf.Load(text, "k.conf", conf.Options{})
		n := 0
		for _, d := range Run(cfg, Options{Files: text}) {
			if d.ID == "HF127" {
				n++
			}
		}
		if n != c.want {
			t.Errorf("%q, %q: %d findings, want %d", c.above, c.behind, n, c.want)
		}
	}
}

// What keepalived's test complains about cannot be silenced.
func TestErrorsOfOthersStay(t *testing.T) {
	text := one("a # holdfast: ignore HF010, HF154\n")
	at := diag.Span{File: "k.conf", Line: 1, Col: 1}
	l := Silence(text, diag.List{
		{ID: "HF010", Severity: diag.Error, Span: at},
		{ID: "HF010", Severity: diag.Warning, Span: at},
		{ID: "HF154", Severity: diag.Error, Span: at},
	})
	if len(l) != 1 || l[0].ID != "HF010" || l[0].Severity != diag.Error {
		t.Errorf("%v", l)
	}
}

func TestSilencedWhereADefinitionIsUsed(t *testing.T) {
	text := one("$W=300\nweight $W # holdfast: ignore HF011\n")
	l := Silence(text, diag.List{{ID: "HF011", Severity: diag.Warning,
		Span: diag.Span{File: "k.conf", Line: 1, Col: 4, Used: &diag.Span{File: "k.conf", Line: 2, Col: 8}}}})
	if len(l) != 0 {
		t.Errorf("%v", l)
	}
}
