package conf

import (
	_ "embed"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

//go:embed testdata/verdicts.txt
var verdicts string

// differ are the files that get another verdict here, and why.
var differ = map[string]string{
	"script interval 0.5": "milliseconds came after 2.2.7",
}

func TestVerdictsOfSmallFiles(t *testing.T) {
	for _, part := range strings.Split(verdicts, "\n=== ")[1:] {
		head, text, _ := strings.Cut(part, "\n")
		want, name := head[0], head[2:]
		text = strings.ReplaceAll(text, "\\r", "\r")
		_, found := load(t, text)
		got := verdict(found)
		if same := (got == '.') == (want == '.'); same == (differ[name] != "") {
			t.Errorf("%s: %c, keepalived %c; %s: %s", name, got, want, differ[name], ids(found, diag.Notice))
		}
	}
}
