package corpus

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/files"
)

// verdict is what keepalived's test of a file gave.
type verdict struct {
	RC  int      `json:"rc"`
	Out []string `json:"out"`
}

// machine is this one, with the interfaces that a file names, as the verdicts
// were made. Scripts are looked for where they say, and are mostly not there.
type machine struct {
	files.System
	interfaces map[string]bool
}

func (m machine) Interface(name string) bool { return m.interfaces[name] }

var complain = regexp.MustCompile(`^\((?:FILE: )?Line (\d+)\)`)

// elsewhere are complaints that have their counterpart on another line here.
var elsewhere = map[string]map[int]struct {
	line int
	why  string
}{
	"c008.conf": {
		3: {2, "the line is in an unknown block, which is named once"},
		4: {2, "so is its closing brace"},
	},
	"c050.conf": {
		3: {2, "the brace closes its block here: what is left of a template opens none"},
	},
	"c047.conf": {
		5:  {4, "an empty block is found where it begins, not where it ends"},
		16: {13, "who runs a script is missing where the script is named"},
		39: {13, "the script's own line says that it is ignored"},
	},
}

// stricter are the diagnostics that keepalived has not, as "FILE ID".
func stricter(t *testing.T) map[string]bool {
	t.Helper()
	b, err := os.ReadFile("../../testdata/corpus/stricter.tsv")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, line := range strings.Split(string(b), "\n") {
		if f := strings.Split(line, "\t"); len(f) == 3 && !strings.HasPrefix(line, "#") {
			listed[f[0]+" "+f[1]] = true
		}
	}
	if len(listed) == 0 {
		t.Fatal("stricter.tsv lists nothing")
	}
	return listed
}

// lineHere is where we complain of what keepalived complains of on a line.
func lineHere(file, theirs string) int {
	line, _ := strconv.Atoi(theirs)
	if e, ok := elsewhere[file][line]; ok {
		return e.line
	}
	return line
}

// mentioned reports whether keepalived says something of a diagnostic's line,
// or, without a line, of what the diagnostic quotes.
func mentioned(d diag.Diagnostic, file string, out []string) bool {
	for _, o := range out {
		if m := complain.FindStringSubmatch(o); m != nil {
			if lineHere(file, m[1]) == d.Span.Line {
				return true
			}
			continue
		}
		for _, word := range strings.FieldsFunc(o, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-./:", r)
		}) {
			if len(word) > 3 && strings.Contains(d.Message, word) {
				return true
			}
		}
	}
	return false
}

func machineOf(text string) machine {
	m := machine{interfaces: map[string]bool{}}
	for _, name := range Interfaces(text) {
		m.interfaces[name] = true
	}
	return m
}

func TestCorpus(t *testing.T) {
	dir := Dir()
	raw, err := os.ReadFile(filepath.Join(dir, "verdicts.json"))
	if err != nil {
		t.Skip("no corpus here, CORPUS may name its folder:", err)
	}
	var want map[string]verdict
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	for name, v := range want {
		t.Run(name, func(t *testing.T) { compare(t, filepath.Join(dir, name), v) })
	}
}

func compare(t *testing.T, path string, v verdict) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Skip(err)
	}
	_, found := conf.Load(files.Disk{}, path, conf.Options{System: machineOf(string(text))})
	if got := found.Count(diag.Error) > 0; got != (v.RC != 0) {
		t.Errorf("problems: %v, keepalived's exit code: %d", got, v.RC)
	}
	said := map[int]bool{}
	for _, d := range found {
		said[d.Span.Line] = true
		t.Log("here:", d)
	}
	listed := stricter(t)
	for _, d := range found {
		if d.Severity >= diag.Warning && !mentioned(d, filepath.Base(path), v.Out) && !listed["* "+d.ID] && !listed[filepath.Base(path)+" "+d.ID] {
			t.Errorf("keepalived says nothing of this, and testdata/corpus/stricter.tsv does not list it: %s", d)
		}
	}
	for _, o := range v.Out {
		t.Log("there:", o)
		if m := complain.FindStringSubmatch(o); m != nil {
			line := lineHere(filepath.Base(path), m[1])
			if !said[line] {
				t.Errorf("nothing is said about line %d; keepalived: %s", line, o)
				said[line] = true
			}
		}
	}
}
