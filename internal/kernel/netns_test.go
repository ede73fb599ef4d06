package kernel

import (
	"net/netip"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/reconcile"
)

// inside runs the rest of a test in a network namespace of its own, with a pair
// of links v0 and v1 that are up. The thread ends with the test, and with it
// the namespace.
func inside(t testing.TB) {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		t.Skipf("make a network namespace: %v", err)
	}
	ip(t, "link add v0 type veth peer name v1")
	ip(t, "link set v0 up")
	ip(t, "link set v1 up")
}

// ip runs ip(8).
func ip(t testing.TB, words string) string {
	t.Helper()
	out, err := exec.Command("ip", strings.Fields(words)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v\n%s", words, err, out)
	}
	return string(out)
}

func openIt(t testing.TB) (*Reflector, *Writer) {
	t.Helper()
	r, err := Open(Options{Routes: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	w, err := NewWriter(r, func(fn func()) bool { posted <- fn; return true }, func(Change) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return r, w
}

var posted = make(chan func(), 16)

// until reads events until cond holds.
func until(t testing.TB, r *Reflector, what string, cond func() bool) []Change {
	t.Helper()
	var changes []Change
	for range 200 {
		if err := r.Read(func(c Change) { changes = append(changes, c) }); err != nil {
			t.Fatal(err)
		}
		if cond() {
			return changes
		}
		fds := []unix.PollFd{{Fd: int32(r.FD()), Events: unix.POLLIN}}
		_, _ = unix.Poll(fds, 50)
	}
	t.Fatalf("never happened: %s", what)
	return nil
}

func add(t testing.TB, link Link, p string, options ...string) AddrOp {
	t.Helper()
	k, a, err := AddressSpec{Prefix: netip.MustParsePrefix(p), Options: options}.On(link.Index)
	if err != nil {
		t.Fatal(err)
	}
	return AddrOp{Verb: reconcile.Add, Key: k, Want: a}
}

func remove(op AddrOp) AddrOp {
	return AddrOp{Verb: reconcile.Remove, Key: op.Key, Have: op.Want}
}

func mustApply(t testing.TB, w *Writer, ops ...Op) {
	t.Helper()
	for i, err := range w.ApplyNow(ops) {
		if err != nil {
			t.Fatalf("op %d: %v", i, err)
		}
	}
}

func TestMirrorFollowsTheKernel(t *testing.T) {
	inside(t)
	ip(t, "addr add 192.0.2.1/24 dev v0")
	r, _ := openIt(t)
	m := r.Mirror()
	v0, ok := m.Link("v0")
	if !ok || !v0.Ethernet || v0.MTU != 1500 {
		t.Fatalf("v0 is %+v, %v", v0, ok)
	}
	first := Key(v0.Index, netip.MustParsePrefix("192.0.2.1/24"))
	if _, ok := m.Address(first); !ok {
		t.Fatalf("192.0.2.1/24 is not in the mirror: %v", m.Addresses(v0.Index))
	}
	second := Key(v0.Index, netip.MustParsePrefix("192.0.2.2/24"))
	ip(t, "addr add 192.0.2.2/24 dev v0 label v0:x")
	until(t, r, "second address", func() bool { a, ok := m.Address(second); return ok && a.Label == "v0:x" })
	src, ok := m.Source(v0.Index, 4, func(netip.Addr) bool { return false })
	if !ok || src != first.Addr {
		t.Errorf("source is %v, %v", src, ok)
	}
	src, _ = m.Source(v0.Index, 4, func(a netip.Addr) bool { return a == first.Addr })
	if src != second.Addr {
		t.Errorf("source but for the first is %v", src)
	}
	ip(t, "addr del 192.0.2.2/24 dev v0")
	changes := until(t, r, "second address gone", func() bool { _, ok := m.Address(second); return !ok })
	if len(changes) != 1 || changes[0] != (Change{Kind: AddrChanged, Link: v0.Index, Addr: second, Gone: true}) {
		t.Errorf("changes: %+v", changes)
	}
	ip(t, "link set v1 down")
	until(t, r, "v0 without carrier", func() bool { l, _ := m.Link("v0"); return !l.Up() && l.Why() != "" })
	ip(t, "link set v0 down")
	ip(t, "link set v0 name eth7")
	until(t, r, "renamed", func() bool {
		l, ok := m.Link("eth7")
		_, old := m.Link("v0")
		return ok && !old && l.Index == v0.Index && strings.Contains(l.Why(), "eth7 is down")
	})
	ip(t, "link del eth7")
	until(t, r, "link gone", func() bool {
		_, ok := m.LinkAt(v0.Index)
		return !ok && len(m.Addresses(v0.Index)) == 0
	})
}

func TestWriterAddsAndRemoves(t *testing.T) {
	inside(t)
	r, w := openIt(t)
	v0, _ := r.Mirror().Link("v0")
	ops := []AddrOp{
		add(t, v0, "192.0.2.10/24"), add(t, v0, "192.0.2.11/32", "noprefixroute"), add(t, v0, "2001:db8::10/64"),
		add(t, v0, "2001:db8::11/128"),
	}
	for range 2 { // what is there already is done
		mustApply(t, w, AddrOps(ops)...)
	}
	out := ip(t, "addr show dev v0")
	for _, want := range []string{
		"inet 192.0.2.10/24 scope global", "inet 192.0.2.11/32 scope global noprefixroute",
		"inet6 2001:db8::10/64 scope global nodad", "inet6 2001:db8::11/128 scope global nodad deprecated",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	until(t, r, "all in the mirror as the kernel has them", func() bool {
		for _, op := range ops {
			a, ok := r.Mirror().Address(op.Key)
			if !ok || !AddrKind.Same(op.Want, a) || a.Flags&unix.IFA_F_PERMANENT == 0 && op.Key.Addr.Is4() {
				return false
			}
		}
		return true
	})
	for range 2 { // what has gone already is done
		for _, op := range ops {
			mustApply(t, w, Op{Addr: remove(op)})
		}
	}
	if out := ip(t, "addr show dev v0 scope global"); strings.Contains(out, "inet") {
		t.Errorf("still there:\n%s", out)
	}
}

func TestErrorsSayWhatWasAttempted(t *testing.T) {
	inside(t)
	r, w := openIt(t)
	op := add(t, Link{Index: 4711}, "192.0.2.1/24")
	v0, _ := r.Mirror().Link("v0")
	errs := w.ApplyNow([]Op{{Addr: op}, {Addr: add(t, v0, "192.0.2.2/24")}})
	if errs[0] == nil || !strings.HasPrefix(errs[0].Error(), "add 192.0.2.1/24 to interface 4711: no such device") || errs[1] != nil {
		t.Errorf("%v", errs)
	}
	if _, ok := r.Mirror().Address(op.Key); ok {
		t.Error("the mirror has what could not be added")
	}
}

func TestApplyManyOnTheThread(t *testing.T) {
	inside(t)
	r, w := openIt(t)
	v0, _ := r.Mirror().Link("v0")
	var ops []AddrOp
	for i := range 500 {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}), 32)
		ops = append(ops, add(t, v0, p.String()))
	}
	var told []error
	if err := w.Apply(AddrOps(ops), func(errs []error) { told = errs }); err != nil {
		t.Fatal(err)
	}
	if !w.Pending(Op{Addr: ops[7]}) {
		t.Error("not pending")
	}
	(<-posted)()
	if len(told) != len(ops) || w.Pending(Op{Addr: ops[7]}) {
		t.Fatalf("told %d of %d", len(told), len(ops))
	}
	for i, err := range told {
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	until(t, r, "all in the mirror", func() bool {
		n := 0
		for _, op := range ops {
			if _, ok := r.Mirror().Address(op.Key); ok {
				n++
			}
		}
		return n == len(ops)
	})
}
