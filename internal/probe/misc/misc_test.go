package misc

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/proc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func run(script string, dynamic bool) probe.Result {
	p := Probe{Run: proc.Spec{Argv: []string{"/bin/sh", "-c", script}}, Dynamic: dynamic}
	return p.Probe(context.Background())
}

// keepalived.conf(5), misc_dynamic: "exit status 0: svc check success, weight
// unchanged. exit status 1: svc check failed. exit status 2-255: svc check
// success …".
func TestExitStatus(t *testing.T) {
	for _, x := range []struct {
		script  string
		dynamic bool
		ok      bool
		weight  int // -1: none asked for
		detail  string
	}{
		{"exit 0", false, true, -1, ""},
		{"exit 1", false, false, -1, "exit status 1"},
		{"exit 2", false, false, -1, "exit status 2"},
		{"exit 0", true, true, -1, ""},
		{"exit 1", true, false, -1, "exit status 1"},
		{"exit 2", true, true, 0, ""},
		{"exit 12", true, true, 10, ""},
		{"exit 255", true, true, 253, ""},
		{"kill -KILL $$", true, false, -1, "ended by signal SIGKILL"},
		{"echo; echo database is gone; echo more; exit 1", false, false, -1, "exit status 1: database is gone"},
		{`printf '\033[2J'; exit 3`, false, false, -1, "exit status 3"},
	} {
		r := run(x.script, x.dynamic)
		if r.OK != x.ok || r.WeightSet != (x.weight >= 0) || r.WeightSet && r.Weight != x.weight || r.Detail != x.detail {
			t.Errorf("%q dynamic %v: got %+v", x.script, x.dynamic, r)
		}
	}
}

func TestTimeout(t *testing.T) {
	p := Probe{Run: proc.Spec{Argv: []string{"sleep", "1000"}, Timeout: time.Millisecond}}
	r := p.Probe(context.Background())
	if r.OK || r.Reason != probe.Timeout || r.Detail != "timed out after 1ms" {
		t.Errorf("got %+v", r)
	}
}

func TestMissingProgram(t *testing.T) {
	p := Probe{Run: proc.Spec{Argv: []string{"/nonexistent/check"}}}
	r := p.Probe(context.Background())
	if r.OK || r.Reason != probe.Local || !strings.Contains(r.Detail, "no such file") {
		t.Errorf("got %+v", r)
	}
}
