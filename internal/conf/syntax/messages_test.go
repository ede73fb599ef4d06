package syntax

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf/expand"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

var update = flag.Bool("update", false, "rewrite testdata/messages.txt; read the difference")

// TestMessages shows what a person sees for mistakes in the form of a text.
// testdata/messages.txt has each text, a line ----, and what is printed.
func TestMessages(t *testing.T) {
	const file = "testdata/messages.txt"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cases := strings.Split(string(raw), "=== ")
	out.WriteString(cases[0])
	for _, c := range cases[1:] {
		name, rest, _ := strings.Cut(c, "\n")
		text, want, _ := strings.Cut(rest, "----\n")
		got := printed(text)
		if want = strings.TrimSuffix(want, "\n"); got != want && !*update {
			t.Errorf("%s\n%s\ngot\n%s\nwant\n%s", name, text, got, want)
		}
		out.WriteString("=== " + name + "\n" + text + "----\n" + got + "\n")
	}
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// printed is what is said about a text.
func printed(text string) string {
	var found diag.List
	r := NewReader(one(text), "/k.conf", expand.Options{ConfigID: "vm"}, found.Add)
	for {
		if _, ok := r.Next(); !ok {
			break
		}
	}
	found.InOrder()
	var b strings.Builder
	_ = diag.Print(&b, found)
	return strings.ReplaceAll(b.String(), "/k.conf", "k.conf")
}
