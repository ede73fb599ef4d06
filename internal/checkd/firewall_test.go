package checkd

import (
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/kernel/netns"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// TestFirewallIsWhereIPVSIs: marks go to the network namespace of
// net_namespace_ipvs, and nowhere else.
func TestFirewallIsWhereIPVSIs(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("network namespaces take root")
	}
	for _, program := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	run := func(words ...string) string {
		t.Helper()
		out, err := exec.Command(words[0], words[1:]...).CombinedOutput() // the words are ours
		if err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
		}
		return string(out)
	}
	runtime.LockOSThread() // never unlocked: the thread ends with this test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("no network namespace: %v", err)
	}
	name := "marks" + strconv.Itoa(os.Getpid())
	run("ip", "netns", "add", name)
	t.Cleanup(func() { run("ip", "netns", "del", name) })
	f := firewall{func(do func() error) error { return netns.Do(name, do) }}
	vip := netip.MustParseAddr("10.1.0.1")
	m := lvs.Marks{Table: "keepalived_ipvs", Each: []lvs.Mark{{Mark: 40, Protocol: lvs.TCP, Targets: []lvs.Target{{From: vip, To: vip, Port: 80, PortTo: 80}}}}}
	there := func(want bool) {
		t.Helper()
		if have := run("ip", "netns", "exec", name, "nft", "list", "ruleset"); strings.Contains(have, "10.1.0.1 . 80") != want {
			t.Errorf("in the namespace, want the address %t:\n%s", want, have)
		}
		if have := run("nft", "list", "ruleset"); have != "" {
			t.Errorf("in our own:\n%s", have)
		}
		if same, err := f.Same(&m); same != want || err != nil {
			t.Errorf("the same: %t, %v, want %t", same, err, want)
		}
	}
	if err := f.Apply(&m); err != nil {
		t.Fatal(err)
	}
	there(true)
	if err := f.Remove(m.Table); err != nil {
		t.Fatal(err)
	}
	there(false)
}
