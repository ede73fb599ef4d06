package nft

import (
	"net/netip"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// inside runs the rest of a test in a network namespace of its own.
func inside(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip(err)
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		t.Skipf("make a network namespace: %v", err)
	}
}

func nft(t *testing.T, words string) string {
	t.Helper()
	out, err := exec.Command("nft", strings.Fields(words)...).CombinedOutput()
	if err != nil {
		t.Fatalf("nft %s: %v\n%s", words, err, out)
	}
	return string(out)
}

// Both tables are replaced as a whole, as often as one likes, and removed; the
// tables of others are left alone.
func TestTables(t *testing.T) {
	inside(t)
	nft(t, "add table ip others")
	r := Rules{
		Table: "hf", Priority: -7, Counters: true, VMAC4: []Pair{{1, 1}}, VMAC6: []Pair{{1, 1}},
		Drop:      []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")},
		LinkLocal: []LinkAddr{{netip.MustParseAddr("fe80::1"), 1}},
	}
	for range 2 {
		if err := r.Apply(); err != nil {
			t.Fatal(err)
		}
	}
	out := nft(t, "list ruleset")
	for _, want := range []string{
		"priority filter - 7", "ip protocol igmp meta oifkind \"macvlan\" dup to ip daddr device oif map @vmac_map counter packets 0 bytes 0 drop",
		"icmpv6 type mld2-listener-report", "icmpv6 type nd-router-solicit", "ip daddr @vips counter", "ip6 saddr @vips counter",
		"icmpv6 type @neighbor-discovery counter packets 0 bytes 0 accept", "ip6 daddr fe80::/10", `fe80::1 . "lo"`, "ip6 saddr . oif @vips_link_local",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	r = Rules{Table: "hf", Drop: r.Drop[:1]}
	if err := r.Apply(); err != nil {
		t.Fatal(err)
	}
	if out := nft(t, "list ruleset"); strings.Contains(out, "vmac_map") || strings.Contains(out, "table ip6") || !strings.Contains(out, "192.0.2.1") {
		t.Errorf("there is\n%s", out)
	}
	for range 2 {
		if err := Remove("hf"); err != nil {
			t.Fatal(err)
		}
	}
	if out := strings.TrimSpace(nft(t, "list ruleset")); out != "table ip others {\n}" {
		t.Errorf("left:\n%s", out)
	}
}

// What somebody takes out of a table of the name is told, and nothing else.
func TestWatcher(t *testing.T) {
	inside(t)
	w, err := Watch()
	if err != nil {
		t.Skip(err)
	}
	defer w.Close()
	r := Rules{Table: "hf", Drop: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
	if err := r.Apply(); err != nil {
		t.Fatal(err)
	}
	w.Read("hf")
	told := func() bool {
		fds := []unix.PollFd{{Fd: int32(w.FD()), Events: unix.POLLIN}}
		_, _ = unix.Poll(fds, 2000)
		return w.Read("hf")
	}
	nft(t, "add table ip others")
	nft(t, "delete table ip others")
	if told() {
		t.Error("others' table is taken for ours")
	}
	for _, words := range []string{"delete element ip hf vips { 192.0.2.1 }", "flush chain ip hf in", "flush ruleset"} {
		nft(t, words)
		if !told() {
			t.Errorf("%q is not noticed", words)
		}
	}
}
