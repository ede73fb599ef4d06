package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// Golden files hold a configuration and, below a line of dashes, what is said
// about it. -update writes them again; a person reads the difference.
func TestMessages(t *testing.T) {
	files, err := filepath.Glob("testdata/messages/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		input, want, _ := strings.Cut(string(text), "\n----\n")
		_, found := load(t, input+"\n")
		var got strings.Builder
		for _, d := range found {
			got.WriteString(brief(d))
		}
		if *update {
			if err := os.WriteFile(name, []byte(input+"\n----\n"+got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got.String() != want {
			t.Errorf("%s\n--- got\n%s--- want\n%s", name, got.String(), want)
		}
	}
}

func brief(d diag.Diagnostic) string {
	s := fmt.Sprintf("%d:%d %s %s: %s\n", d.Span.Line, d.Span.Col, d.Severity, d.ID, d.Message)
	if d.Expected != "" {
		s += "    expected " + d.Expected + "\n"
	}
	if d.Suggestion != "" {
		s += "    " + d.Suggestion + "\n"
	}
	return s
}
