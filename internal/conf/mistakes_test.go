package conf

import (
	"os"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// leastMistakes is how many typical mistakes the golden file has at least.
const leastMistakes = 60

// TestMistakes is what a person sees for typical mistakes, one by one:
// testdata/mistakes.txt has sections "=== TITLE" with a file and, below a line
// of dashes, what is said of it. -update writes the latter; read it aloud.
func TestMistakes(t *testing.T) {
	const name = "testdata/mistakes.txt"
	all, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(all), "=== ")
	parts := strings.Split(rest, "\n=== ")
	if len(parts) < leastMistakes {
		t.Errorf("%d mistakes, want %d", len(parts), leastMistakes)
	}
	out := head
	for i, part := range parts {
		title, text, _ := strings.Cut(part, "\n")
		input, want, _ := strings.Cut(text, "\n----\n")
		_, found := load(t, input+"\n")
		found = visible(found)
		var got strings.Builder
		_ = diag.Print(&got, found)
		said := strings.TrimRight(got.String(), "\n")
		if len(found) == 0 {
			t.Errorf("%s: nothing is said", title)
		}
		if want = strings.TrimRight(want, "\n"); !*update && said != want {
			t.Errorf("%s\n--- got\n%s\n--- want\n%s", title, said, want)
		}
		if i > 0 {
			out += "\n"
		}
		out += "=== " + title + "\n" + input + "\n----\n" + said + "\n"
	}
	if *update {
		if err := os.WriteFile(name, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// visible leaves out that keywords have no effect yet.
func visible(all diag.List) (out diag.List) {
	for _, d := range all {
		if d.ID != "HF030" {
			out = append(out, d)
		}
	}
	return out
}
