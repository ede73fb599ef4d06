package netns_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// The sample scripts of `holdfast lab` hold.
func TestLabScripts(t *testing.T) {
	scripts, err := filepath.Glob("../../examples/lab/*.lab")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, script := range scripts {
		t.Run(filepath.Base(script), func(t *testing.T) {
			New(t)
			out, err := runLab("--script", script)
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// An expect that does not hold makes the exit status 1.
func TestLabScriptFails(t *testing.T) {
	New(t)
	script := filepath.Join(t.TempDir(), "fails.lab")
	Must(t, os.WriteFile(script, []byte("expect master a within 30s\nexpect master b within 100ms\n"), 0o644))
	out, err := runLab("--script", script)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("%v, want exit status 1\n%s", err, out)
	}
}

func runLab(args ...string) (string, error) {
	command := append(append([]string{}, Holdfast()...), "lab")
	command = append(command, args...)
	out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	return string(out), err
}
