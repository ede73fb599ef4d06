package netns_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// keepalived's real-time signals: JSON is the third from the first, statistics
// that begin anew the last but one.
const sigJSON, sigClear = syscall.Signal(36), syscall.Signal(63)

// keepalived(8): "USR1 … dump the data, USR2 … statistics".
func TestDataFiles(t *testing.T) {
	l := New(t)
	state, stats, asJSON := l.Path("state.data"), l.Path("state.stats"), l.Path("state.json")
	precious := l.Path("precious")
	Must(t, os.WriteFile(precious, []byte("precious"), 0o600))
	Must(t, os.Symlink(precious, state))
	global := fmt.Sprintf("global_defs {\n    state_dump_file %s\n    stats_dump_file %s\n    json_dump_file %s\n    json_version 2\n}\n", state, stats, asJSON)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), global+config(Instance{
		Version: 2, Priority: 150, Extra: "authentication {\n        auth_type PASS\n        auth_pass secret1\n    }",
	}))
	WaitMaster(t, Virtual, a)
	dumped := func(s syscall.Signal, name string, want ...string) {
		t.Helper()
		Must(t, a.Signal(s))
		var text string
		Wait(t, fmt.Sprintf("%s has %q", name, want), func() bool {
			b, _ := os.ReadFile(name) // absent is empty
			text = string(b)
			for _, w := range want {
				if !strings.Contains(text, w) {
					return false
				}
			}
			return true
		})
		if strings.Contains(text, "secret1") {
			t.Errorf("%s tells the password", name)
		}
	}
	dumped(syscall.SIGUSR1, state, " VRRP Instance = VI_1\n", "   State = MASTER\n", "     192.0.2.100/24 dev eth0 scope global set\n", " Name = eth0\n")
	dumped(syscall.SIGUSR2, stats, "VRRP Instance: VI_1\n", "  Became master: 1\n")
	Must(t, os.Remove(stats)) // so that it is the next one's that is waited for
	dumped(sigClear, stats, "  Became master: 1\n")
	dumped(syscall.SIGUSR2, stats, "  Became master: 0\n")
	dumped(sigJSON, asJSON, `"iname":"VI_1"`)
	b, err := os.ReadFile(asJSON)
	Must(t, err)
	var parsed struct {
		VRRP []struct{ Data struct{ State int } }
	}
	if err := json.Unmarshal(b, &parsed); err != nil || len(parsed.VRRP) != 1 || parsed.VRRP[0].Data.State != 2 {
		t.Errorf("%v of %s", err, b)
	}
	if kept, _ := os.ReadFile(precious); string(kept) != "precious" {
		t.Errorf("a symbolic link was followed: %q", kept)
	}
}
