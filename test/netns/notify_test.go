package netns_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// keepalived.conf(5): notify is called after the state's own script, with
// INSTANCE or GROUP, the name, the state and the priority.
func TestNotifyScripts(t *testing.T) {
	l := New(t)
	heard := l.Path("heard")
	script := l.Path("tell.sh")
	Must(t, os.WriteFile(script, []byte("#!/bin/sh\necho \"$@\" >>"+heard+"\n"), 0o755))
	Must(t, os.Chmod(script, 0o755))
	extra := fmt.Sprintf(`notify_master "%[1]s own master" root
    notify_backup "%[1]s own backup" root
    notify_fault "%[1]s own fault" root
    notify_stop "%[1]s own stop" root
    notify %[1]s root`, script)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(Instance{Priority: 150, Extra: extra}))
	lines := func() string {
		text, _ := os.ReadFile(heard)
		return string(text)
	}
	expect := func(words ...string) {
		t.Helper()
		for _, w := range words {
			Wait(t, fmt.Sprintf("the script is called with %q", w), func() bool {
				return strings.Contains(lines(), w+"\n")
			})
		}
	}
	expect("own backup", "INSTANCE VI_1 BACKUP 150", "own master", "INSTANCE VI_1 MASTER 150")
	Must(t, l.Cut("a"))
	expect("own fault", "INSTANCE VI_1 FAULT 150")
	Must(t, l.Heal("a"))
	WaitMaster(t, Virtual, a)
	Must(t, a.Stop())
	expect("own stop", "INSTANCE VI_1 STOP 150")
	for _, w := range []string{"own master\n", "INSTANCE VI_1 MASTER 150\n"} {
		if n := strings.Count(lines(), w); n != 2 {
			t.Errorf("%q came %d times, want 2:\n%s", w, n, lines())
		}
	}
}
