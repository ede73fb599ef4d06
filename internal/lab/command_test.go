package lab

import (
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"time"

	example "github.com/holdfast-ha/holdfast/examples/lab"
)

func TestParse(t *testing.T) {
	for line, want := range map[string]*command{
		"":                               nil,
		"   # nothing":                   nil,
		"quit":                           {verb: "quit"},
		"kill a":                         {verb: "kill", names: []string{"a"}},
		"cut  s1   # pull":               {verb: "cut", names: []string{"s1"}},
		"fail s1":                        {verb: "fail", names: []string{"s1"}, fault: Refuse},
		"fail s1 hang":                   {verb: "fail", names: []string{"s1"}, fault: Hang},
		"recover sorry":                  {verb: "recover", names: []string{"sorry"}},
		"wait 1500ms":                    {verb: "wait", limit: 1500 * time.Millisecond},
		"expect master a within 7s":      {verb: "expect", what: "master", names: []string{"a"}, limit: 7 * time.Second},
		"expect master none":             {verb: "expect", what: "master", names: []string{}, limit: unhurried},
		"expect servers s3 s1 within 1m": {verb: "expect", what: "servers", names: []string{"s1", "s3"}, limit: time.Minute},
		"expect servers none":            {verb: "expect", what: "servers", names: []string{}, limit: unhurried},
		"expect served sorry within 1s":  {verb: "expect", what: "served", names: []string{"sorry"}, limit: time.Second},
		"expect outage < 5s":             {verb: "expect", what: "outage", limit: 5 * time.Second},
		"expect no outage":               {verb: "expect", what: "no outage"},
	} {
		got, err := parse(line)
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		if got != nil {
			got.text = ""
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v, want %+v", line, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for line, want := range map[string]string{
		"explode a":                   "unknown command",
		"kill":                        "wants one of a, b",
		"kill s1":                     "none of a, b",
		"kill a b":                    "wants one of",
		"fail s1 badly":               "none of refuse, broken, hang",
		"wait":                        "wants a duration",
		"wait -1s":                    "not above zero",
		"quit now":                    "takes no argument",
		"expect":                      "wants master",
		"expect master c":             "none of a, b",
		"expect master a within":      "wants one of",
		"expect master a within soon": "invalid duration",
		"expect servers s4":           "none of s1, s2, s3",
		"expect outage > 5s":          "none of master",
		"expect served none":          "none of sorry, s1, s2, s3",
	} {
		if c, err := parse(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %+v and error %v, want one with %q", line, c, err, want)
		}
	}
}

func TestScriptTellsEveryMistakeWithItsLine(t *testing.T) {
	_, errs := parseScript("x.lab", "wait 1s\nbogus\n\n# fine\nkill c\n")
	if len(errs) != 2 || !strings.HasPrefix(errs[0].Error(), "x.lab:2: ") || !strings.HasPrefix(errs[1].Error(), "x.lab:5: ") {
		t.Errorf("got %v, want mistakes at lines 2 and 5", errs)
	}
}

func TestSampleScriptsAreWellFormed(t *testing.T) {
	found, err := fs.Glob(example.Files, "*.lab")
	if err != nil || len(found) < 3 {
		t.Fatalf("scripts %v: %v", found, err)
	}
	for _, name := range found {
		text, err := fs.ReadFile(example.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		list, errs := parseScript(name, string(text))
		if len(errs) > 0 || len(list) == 0 {
			t.Errorf("%s: %d commands, %v", name, len(list), errs)
		}
	}
}

func TestHelpNamesEveryVerb(t *testing.T) {
	text := help()
	for _, v := range verbs {
		if !strings.Contains(text, v.name) || v.help == "" {
			t.Errorf("help does not explain %s", v.name)
		}
	}
}
