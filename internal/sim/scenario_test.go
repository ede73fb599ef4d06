package sim

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the scenarios print into testdata")

const rule = "----"

// Every file in testdata is a story: commands, a rule, what they must print,
// an empty line, more commands.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := perform(t, string(text))
			if got == string(text) {
				return
			}
			if !*update {
				t.Fatalf("%s now reads as follows (go test -update writes it):\n%s", file, got)
			}
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// perform runs a story and returns it with what it really prints.
func perform(t *testing.T, text string) string {
	t.Helper()
	w := New(1)
	var out strings.Builder
	expected := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case expected && line == "":
			expected = false
			out.WriteString("\n")
		case expected:
		case line == rule:
			expected = true
			out.WriteString(rule + "\n" + w.Transcript())
		default:
			out.WriteString(line + "\n")
			if err := w.Command(line); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
	}
	if err := w.Err(); err != nil {
		t.Error(err)
	}
	return out.String()
}

func TestCommandsThatAreWrong(t *testing.T) {
	for line, want := range map[string]string{
		"dance":                  `there is no command "dance"`,
		"run 1001h":              `run: 1001h0m0s are more than 1000h0m0s in all`,
		"run fast":               `run: "fast" is not a time, as 5s or 100ms`,
		"router a priority 300":  `router: "300" is not a number from 1 to 255`,
		"router a speed 3":       `router: a router has no option "speed"`,
		"kill z":                 `kill: there is no host "z"`,
		"set a.x priority 3":     `set: there is no router a.x`,
		"heal now":               `heal: "now" is not understood`,
		"link delay 1s loss 101": `link: "101" is not a number from 0 to 100`,
	} {
		err := New(1).Command(line)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}
