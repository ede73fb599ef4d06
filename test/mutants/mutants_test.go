package mutants

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	all  = flag.Bool("all", false, "every mutant of the list, not a sample")
	only = flag.String("only", "", "mutants whose file and description (\"slept.go: ...\") match this regular expression")
)

// internal has the packages that mutants are in and are tested by.
const internal = "../../internal"

// sample is how many of the list there are for one that every run tries.
const sample = 12

// seeds is how many random histories a mutant has to get through.
const seeds = "600"

// The simulator must catch every mutant that the list does not excuse; and one
// that is excused and caught is to lose its excuse.
func TestTheSimulatorCatchesMutants(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command")
	}
	chosen, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	tried, caught := 0, 0
	for i, m := range list {
		if !chosen.MatchString(m.file+": "+m.what) || *only == "" && !*all && i%sample != 0 {
			continue
		}
		t.Run(m.what, func(t *testing.T) {
			by, err := m.simulated(t.TempDir())
			if err == nil && by == "" && m.test != "" {
				by, err = m.tested(t.TempDir())
			}
			switch {
			case err != nil:
				t.Fatal(err)
			case by == "" && (m.survives == "" || m.test != ""):
				t.Errorf("survives: in internal/vrrp/%s\n%s\nin the place of\n%s", m.file, m.is, m.was)
			case by != m.test && m.survives != "":
				t.Errorf("is caught by the %s, though it is said to survive: %s", by, m.survives)
			case by == "":
				t.Logf("survives: %s", m.survives)
			default:
				t.Logf("caught by %s", by)
			}
			if tried++; by != "" {
				caught++
			}
		})
	}
	t.Logf("%d of %d mutants caught", caught, tried)
}

// Every mutant of the list changes one place that is still there.
func TestTheListIsTrue(t *testing.T) {
	said := map[string]bool{}
	for _, m := range list {
		if _, err := m.apply(); err != nil {
			t.Error(err)
		}
		if said[m.what] {
			t.Errorf("%q is there twice", m.what)
		}
		said[m.what] = true
		if m.survives == "" && m.test != "" {
			t.Errorf("%q names a test, but no reason why the simulator need not catch it", m.what)
		}
	}
}

// source is where the machine is.
func (m *mutant) source() string { return filepath.Join(internal, "vrrp", m.file) }

// apply is the text of the mutant's file.
func (m *mutant) apply() (string, error) {
	text, err := os.ReadFile(m.source())
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), m.was); n != 1 || m.was == m.is {
		return "", fmt.Errorf("%s: %s has %q %d times, not once", m.what, m.file, m.was, n)
	}
	return strings.Replace(string(text), m.was, m.is, 1), nil
}

// simulated builds the simulator's tests with the mutant, and says which of them
// fails; empty if none does.
func (m *mutant) simulated(dir string) (by string, err error) {
	bin, err := m.build(dir, "sim")
	if err != nil {
		return "", err
	}
	for _, c := range []struct{ by, run string }{{"random histories", "TestRandomHistories"}, {"scenarios", "TestScenarios"}} {
		if failed, err := fails(bin, "sim", c.run, "-seeds", seeds, "-brief"); failed || err != nil {
			return c.by, err
		}
	}
	return "", nil
}

// tested returns the name of the mutant's unit test if that one fails.
func (m *mutant) tested(dir string) (by string, err error) {
	bin, err := m.build(dir, "vrrp")
	if err != nil {
		return "", err
	}
	if failed, err := fails(bin, "vrrp", m.test); !failed {
		return "", err
	}
	return m.test, nil
}

// fails runs one test of a package of internal, and reports whether it fails.
func fails(bin, pkg, test string, args ...string) (bool, error) {
	cmd := exec.Command(bin, append([]string{"-test.run", "^" + test + "$", "-test.timeout", "5m"}, args...)...)
	cmd.Dir = filepath.Join(internal, pkg)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("run %s of internal/%s: %w\n%s", test, pkg, err, out)
	case bytes.Contains(out, []byte("no tests to run")):
		return false, fmt.Errorf("internal/%s has no %s", pkg, test)
	}
	return false, nil
}

// build makes a binary of a package's tests with the mutant's file in the place
// of the real one.
func (m *mutant) build(dir, pkg string) (string, error) {
	text, err := m.apply()
	if err != nil {
		return "", err
	}
	real, err := filepath.Abs(m.source())
	if err != nil {
		return "", err
	}
	changed, overlay, bin := filepath.Join(dir, m.file), filepath.Join(dir, "overlay.json"), filepath.Join(dir, pkg+".test")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {real: changed}})
	if err != nil {
		return "", err
	}
	if err := errors.Join(os.WriteFile(changed, []byte(text), 0o600), os.WriteFile(overlay, replace, 0o600)); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", bin, internal+"/"+pkg).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s does not build: %w\n%s", m.what, err, out)
	}
	return bin, nil
}
