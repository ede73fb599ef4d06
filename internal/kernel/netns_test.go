package kernel

import (
	"net/netip"
	"os/exec"
	"runtime"
	"slices"
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
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip(err)
	}
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

// Events that find no room are lost; a dump makes up for them.
func TestLostEventsAreMadeUpFor(t *testing.T) {
	inside(t)
	r, w := openIt(t)
	v0, _ := r.Mirror().Link("v0")
	ip(t, "link add gone type veth peer name gone1")
	until(t, r, "the link is there", func() bool { _, ok := r.Mirror().Link("gone"); return ok })
	stays := add(t, v0, "192.0.2.1/24")
	mustApply(t, w, Op{Addr: stays})
	until(t, r, "quiet", func() bool { return len(r.dumps) == 0 })

	if err := unix.SetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1); err != nil { // the least there is
		t.Fatal(err)
	}
	for i := range 100 {
		op := add(t, v0, netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, 0, byte(i)}), 32).String())
		mustApply(t, w, Op{Addr: op})
	}
	ip(t, "link del gone")
	ip(t, "addr del 192.0.2.1/24 dev v0")
	ip(t, "addr add 192.0.2.2/24 dev v0")
	m := r.Mirror()
	if _, ok := m.Link("gone"); !ok {
		t.Fatal("the mirror has read what it should have lost")
	}
	changes := until(t, r, "true again", func() bool {
		_, link := m.Link("gone")
		_, old := m.Address(stays.Key)
		_, now := m.Address(Key(v0.Index, netip.MustParsePrefix("192.0.2.2/24")))
		return !link && !old && now && len(m.Addresses(v0.Index)) >= 101
	})
	told := false
	for _, c := range changes {
		told = told || c == Change{Kind: AddrChanged, Link: v0.Index, Addr: stays.Key, Gone: true}
	}
	if !told {
		t.Error("nobody was told that 192.0.2.1 has gone")
	}
}

// A primary address goes, its secondary takes its place: so does the source.
func TestSourceIsPromoted(t *testing.T) {
	inside(t)
	if err := PromoteSecondaries("v0"); err != nil {
		t.Fatal(err)
	}
	ip(t, "addr add 192.0.2.1/24 dev v0")
	ip(t, "addr add 192.0.2.2/24 dev v0")
	ip(t, "addr add 203.0.113.1/24 dev v0")
	r, _ := openIt(t)
	m := r.Mirror()
	v0, _ := m.Link("v0")
	source := func(except ...string) string {
		a, _ := m.Source(v0.Index, 4, func(a netip.Addr) bool { return slices.Contains(except, a.String()) })
		return a.String()
	}
	if got := source("192.0.2.1"); got != "203.0.113.1" {
		t.Errorf("source beside a secondary address is %s", got)
	}
	ip(t, "addr del 203.0.113.1/24 dev v0")
	ip(t, "addr del 192.0.2.1/24 dev v0")
	ip(t, "addr add 198.51.100.1/24 dev v0")
	until(t, r, "the new address", func() bool { return source("192.0.2.2") == "198.51.100.1" })
	if got := source(); got != "192.0.2.2" {
		t.Errorf("source is %s, though 192.0.2.2 was promoted", got)
	}
	if _, ok := m.Source(v0.Index, 6, func(netip.Addr) bool { return true }); ok {
		t.Error("a source that was excepted")
	}
	for _, name := range []string{"", "..", "a/b", "nosuch"} {
		if PromoteSecondaries(name) == nil {
			t.Errorf("promote_secondaries of %q", name)
		}
	}
}

func BenchmarkApplyNow(b *testing.B) {
	inside(b)
	r, w := openIt(b)
	v0, _ := r.Mirror().Link("v0")
	for name, p := range map[string]string{"IPv4": "192.0.2.1/24", "IPv6": "2001:db8::1/64"} {
		b.Run(name, func(b *testing.B) {
			on := add(b, v0, p)
			ops, off := AddrOps([]AddrOp{on}), AddrOps([]AddrOp{remove(on)})
			b.ReportAllocs()
			for b.Loop() {
				if errs := w.ApplyNow(ops); errs[0] != nil {
					b.Fatal(errs)
				}
				if errs := w.ApplyNow(off); errs[0] != nil {
					b.Fatal(errs)
				}
				_ = r.Read(func(Change) {})
			}
		})
	}
}
