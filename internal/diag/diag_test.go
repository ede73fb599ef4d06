package diag

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var sample = List{
	{
		ID: "HF010", Severity: Error, Span: Span{File: "k.conf", Line: 7, Col: 5, End: 20},
		Message: `unknown keyword "virtual_ipadress"`, Expected: "a keyword of vrrp_instance",
		Suggestion: "virtual_ipaddress", Source: "    virtual_ipadress {",
	},
	{
		ID: "HF011", Severity: Warning, Message: "weight 300 is too large",
		Span:   Span{File: "a", Line: 2, Col: 4, End: 7, Used: &Span{File: "b", Line: 9, Col: 2}},
		Source: "$W=300", Suggestion: "did you mean 30?",
	},
	{ID: "HF001", Severity: Fatal, Span: Span{File: "nope"}, Message: "open nope: no such file or directory"},
	{Severity: Notice, Message: "nothing is configured"},
}

func TestString(t *testing.T) {
	want := []string{
		`k.conf:7:5: error: unknown keyword "virtual_ipadress"; expected a keyword of vrrp_instance; did you mean virtual_ipaddress? [HF010]`,
		`a:2:4: warning: weight 300 is too large; did you mean 30? [HF011]`,
		`nope: fatal: open nope: no such file or directory [HF001]`,
		`notice: nothing is configured`,
	}
	for i, d := range sample {
		if s := d.String(); s != want[i] {
			t.Errorf("got  %s\nwant %s", s, want[i])
		}
	}
}

func TestPrint(t *testing.T) {
	var b strings.Builder
	if err := Print(&b, sample[:3]); err != nil {
		t.Fatal(err)
	}
	want := `k.conf:7:5: error: unknown keyword "virtual_ipadress"; expected a keyword of vrrp_instance; did you mean virtual_ipaddress? [HF010]
        virtual_ipadress {
        ^^^^^^^^^^^^^^^
a:2:4: warning: weight 300 is too large; did you mean 30? [HF011]
    $W=300
       ^^^
    used at b:9:2
nope: fatal: open nope: no such file or directory [HF001]
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestCaret(t *testing.T) {
	long := strings.Repeat("a", 300) + "X" + strings.Repeat("b", 300)
	for name, c := range map[string]struct{ line, under string }{
		"tabs":      {"\t\tX", "\t\t^"},
		"umlauts":   {"äöü X", "    ^"},
		"at an end": {"ab X", "   ^"},
		"controls":  {"\x1b[31mX", "     ^"},
		"long":      {long, strings.Repeat(" ", 59) + "^"},
	} {
		d := Diagnostic{Span: Span{File: "f", Line: 1, Col: strings.Index(c.line, "X") + 1}, Source: c.line}
		var b strings.Builder
		_ = Print(&b, List{d})
		lines := strings.Split(b.String(), "\n")
		if len(lines) < 3 || lines[2] != "    "+c.under {
			t.Errorf("%s:\n%s", name, b.String())
			continue
		}
		if len(lines[1]) > maxSource+8 || strings.ContainsRune(lines[1], 0x1b) {
			t.Errorf("%s: %q", name, lines[1])
		}
	}
}

// A place beyond the line, from whatever mistake, is no reason to panic.
func TestPlaceBeyondTheLine(t *testing.T) {
	for col := -1; col < 12; col++ {
		for end := -1; end < 12; end++ {
			var b strings.Builder
			_ = Print(&b, List{{Span: Span{File: "f", Line: 1, Col: col, End: end}, Source: "abc"}})
		}
	}
}

func TestJSON(t *testing.T) {
	var got []map[string]any
	if err := json.Unmarshal(JSON(sample), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 || got[0]["id"] != "HF010" || got[0]["line"] != 7.0 || got[0]["end_column"] != 20.0 || got[2]["severity"] != "fatal" {
		t.Errorf("%v", got)
	}
	if u, ok := got[1]["used"].([]any); !ok || len(u) != 1 {
		t.Errorf("used: %v", got[1]["used"])
	}
	if s := string(JSON(nil)); s != "[]" {
		t.Errorf("nothing is %s", s)
	}
}

func TestExplain(t *testing.T) {
	if s, ok := Explain("hf003"); !ok || !strings.Contains(s, "brace") {
		t.Errorf("HF003: %q", s)
	}
	if _, ok := Explain("HF999"); ok {
		t.Error("HF999 is explained")
	}
	form := regexp.MustCompile(`^HF\d{3}$`)
	for _, id := range IDs() {
		if s, _ := Explain(id); !form.MatchString(id) || !strings.HasSuffix(s, ".") {
			t.Errorf("%s: %q", id, s)
		}
	}
}

func TestCount(t *testing.T) {
	for s, n := range map[Severity]int{Notice: 4, Warning: 3, Error: 2, Fatal: 1} {
		if got := sample.Count(s); got != n {
			t.Errorf("%d of at least %s, want %d", got, s, n)
		}
	}
}

// The list stays short, and its verdict stays true.
func TestListIsBounded(t *testing.T) {
	var l List
	for range 3 * MaxList {
		l.Add(Diagnostic{ID: "HF008", Severity: Warning})
	}
	if len(l) != MaxList || l[MaxList-1].ID != "HF000" || l.Count(Error) != 0 {
		t.Fatalf("%d entries, the last %+v", len(l), l[len(l)-1])
	}
	for range 10 {
		l.Add(Diagnostic{ID: "HF010", Severity: Error})
		l.Add(Diagnostic{ID: "HF001", Severity: Fatal})
	}
	if len(l) != MaxList+2 || l.Count(Error) != 2 || l.Count(Fatal) != 1 {
		t.Errorf("%d entries, %d errors, %d fatal", len(l), l.Count(Error), l.Count(Fatal))
	}
	var worst List
	for range MaxList - 1 {
		worst.Add(Diagnostic{Severity: Error})
	}
	worst.Add(Diagnostic{ID: "HF001", Severity: Fatal})
	if worst[len(worst)-1].ID != "HF001" {
		t.Error("the fatal one was lost at the bound")
	}
}

// What conf finds can be looked up.
func TestEveryIDIsExplained(t *testing.T) {
	id := regexp.MustCompile(`"(HF\d{3})"`)
	err := filepath.WalkDir("../conf", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range id.FindAllSubmatch(text, -1) {
			if _, ok := Explain(string(m[1])); !ok {
				t.Errorf("%s in %s has no paragraph in explain.go", m[1], path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestInOrder(t *testing.T) {
	at := func(id, file string, line, col int) Diagnostic {
		return Diagnostic{ID: id, Span: Span{File: file, Line: line, Col: col}}
	}
	l := List{at("4", "b", 2, 1), at("1", "b", 1, 9), at("6", "a", 1, 5), at("2", "b", 1, 9), at("5", "a", 1, 1), at("3", "b", 2, 0), at("7", "c", 1, 1)}
	l.InOrder()
	got := ""
	for _, d := range l {
		got += d.ID
	}
	if got != "1234567" {
		t.Errorf("the order is %s", got)
	}
}
