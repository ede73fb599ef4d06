package uml_test

import (
	"regexp"
	"strings"
	"testing"
)

// outcome is what a test in the guest came to.
type outcome struct {
	name, verdict string // PASS, FAIL, SKIP; empty: it never ended
	took          string
	text          string
}

var (
	begins = regexp.MustCompile(`^=== (?:RUN|NAME|CONT)\s+(\S+)$`)
	ends   = regexp.MustCompile(`^\s*--- (PASS|FAIL|SKIP): (\S+) \((\S+)\)`)
)

// outcomes reads what a test binary printed with -test.v. complete reports
// whether it came to its end.
func outcomes(out string) (list []*outcome, complete bool) {
	byName := map[string]*outcome{}
	get := func(name string) *outcome {
		if byName[name] == nil {
			byName[name] = &outcome{name: name}
			list = append(list, byName[name])
		}
		return byName[name]
	}
	var current *outcome
	for line := range strings.Lines(out) {
		bare := strings.TrimRight(line, "\n")
		if m := begins.FindStringSubmatch(bare); m != nil {
			current = get(m[1])
			continue
		}
		if m := ends.FindStringSubmatch(bare); m != nil {
			current = get(m[2])
			current.verdict, current.took = m[1], m[3]
			continue
		}
		if bare == "PASS" || bare == "FAIL" {
			complete, current = true, nil
		}
		if current != nil {
			current.text += line
		}
	}
	return list, complete
}

// report makes the guest's tests subtests of this one.
func report(t *testing.T, out string) {
	t.Helper()
	list, complete := outcomes(out)
	for _, o := range list {
		t.Run(o.name, func(t *testing.T) {
			text := strings.TrimRight(o.text, "\n")
			switch o.verdict {
			case "PASS":
				t.Log(strings.TrimSpace("in the guest: " + o.took + "\n" + text))
			case "SKIP":
				t.Skip("in the guest: " + strings.TrimSpace(text))
			case "FAIL":
				t.Error("\n" + text)
			default:
				t.Error("never ended\n" + text)
			}
		})
	}
	if !complete || len(list) == 0 {
		t.Errorf("the tests in the guest did not come to their end:\n%s", out)
	}
}

func TestOutcomes(t *testing.T) {
	const out = `=== RUN   TestA
=== RUN   TestA/one
    a_test.go:7: some text
--- PASS: TestA (0.10s)
    --- PASS: TestA/one (0.10s)
=== RUN   TestB
    b_test.go:9: wrong
--- FAIL: TestB (0.00s)
=== RUN   TestC
    c_test.go:1: no reason
--- SKIP: TestC (0.00s)
=== RUN   TestD
panic: lost
`
	list, complete := outcomes(out)
	if complete {
		t.Error("complete without a last line")
	}
	want := []outcome{
		{"TestA", "PASS", "0.10s", ""}, {"TestA/one", "PASS", "0.10s", "    a_test.go:7: some text\n"},
		{"TestB", "FAIL", "0.00s", "    b_test.go:9: wrong\n"}, {"TestC", "SKIP", "0.00s", "    c_test.go:1: no reason\n"},
		{"TestD", "", "", "panic: lost\n"},
	}
	for i, w := range want {
		if len(list) != len(want) || *list[i] != w {
			t.Fatalf("outcome %d of %d: %+v, want %+v", i, len(list), *list[i], w)
		}
	}
	if _, complete := outcomes(out + "FAIL\n"); !complete {
		t.Error("not complete with its last line")
	}
}
