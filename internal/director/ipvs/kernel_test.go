package ipvs

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/director/directortest"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// These tests need a kernel with IPVS. test/uml runs them in one.

func openReal(t *testing.T) *Director {
	t.Helper()
	d, err := Open(nil, nil, nil)
	if err != nil {
		t.Skip(err)
	}
	return d.(*Director)
}

// kernelTable reads everything with a socket of its own.
func kernelTable(t *testing.T) lvs.Table {
	t.Helper()
	d := openReal(t)
	table, err := d.ReadAll(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(ctx, true); err != nil {
		t.Fatal(err)
	}
	return table
}

func TestKernelSuite(t *testing.T) {
	first := openReal(t)
	if err := first.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(ctx, true); err != nil {
		t.Fatal(err)
	}
	directortest.Run(t, directortest.Options{
		Open:       func(t *testing.T) director.Director { return openReal(t) },
		Keys:       []lvs.ServiceKey{web, dns, mark, {Addr: web.Addr, Port: 443, Protocol: lvs.SCTP, Family: 4}},
		Schedulers: []string{"rr", "wlc", "sh"},
		World:      kernelTable,
	})
}

// ipvsadm is another reader of the same table: it must see what we meant.
func TestKernelAsIpvsadmSeesIt(t *testing.T) {
	d := openReal(t)
	if _, err := exec.LookPath("ipvsadm"); err != nil {
		t.Skip(err)
	}
	v6 := lvs.ServerKey{Addr: netip.MustParseAddr("2001:db8::2"), Port: 80}
	want := lvs.Table{
		web: {Scheduler: "wlc", Persistence: 300 * time.Second, Netmask: 0xffffff00,
			Servers: map[lvs.ServerKey]lvs.Server{
				s1: {Forward: lvs.NAT, Weight: 3, Upper: 1000, Lower: 10},
				s2: {Forward: lvs.NAT},
			}},
		dns: {Scheduler: "sh", Flags: director.FlagOnePacket | 0x08 | 0x10,
			Servers: map[lvs.ServerKey]lvs.Server{{Addr: s1.Addr, Port: 53}: {Forward: lvs.DirectRoute, Weight: 1}}},
		web6: {Scheduler: "rr", Persistence: 10 * time.Second, Netmask: 64,
			Servers: map[lvs.ServerKey]lvs.Server{v6: {Forward: lvs.Tunnel, Weight: 1}}},
		mark:                   {Scheduler: "wrr", Servers: map[lvs.ServerKey]lvs.Server{{Addr: s1.Addr}: {Forward: lvs.DirectRoute, Weight: 1}}},
		{FWMark: 8, Family: 6}: {Scheduler: "lc"},
	}
	if _, err := d.Set(ctx, lvs.Whole(want)); err != nil {
		t.Fatal(err)
	}
	expect := []string{
		"-A -f 7 -s wrr",
		"-A -f 8 -6 -s lc",
		"-A -t 10.1.0.1:80 -s wlc -p 300 -M 255.255.255.0",
		"-A -t [2001:db8::1]:80 -s rr -p 10 -M 64",
		"-A -u 10.1.0.1:53 -s sh -o -b sh-fallback,sh-port",
		"-a -f 7 -r 10.0.0.1:0 -g -w 1",
		"-a -t 10.1.0.1:80 -r 10.0.0.1:8080 -m -w 3",
		"-a -t 10.1.0.1:80 -r 10.0.0.2:8080 -m -w 0",
		"-a -t [2001:db8::1]:80 -r [2001:db8::2]:80 -i -w 1 --tun-type ipip",
		"-a -u 10.1.0.1:53 -r 10.0.0.1:53 -g -w 1",
	}
	out, err := exec.Command("ipvsadm", "-Sn").CombinedOutput()
	if err != nil {
		t.Fatalf("ipvsadm -Sn: %v %s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	slices.Sort(lines)
	slices.Sort(expect)
	if !slices.Equal(lines, expect) {
		t.Errorf("ipvsadm -Sn says\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(expect, "\n"))
	}
	directortest.Same(t, "the kernel", kernelTable(t), want)
	if err := d.Close(ctx, false); err != nil {
		t.Fatal(err)
	}
	directortest.Same(t, "the kernel after Close", kernelTable(t), lvs.Table{})
}

func TestKernelTimeouts(t *testing.T) {
	d := openReal(t)
	defer func() { _ = d.Close(ctx, false) }()
	before, err := d.Timeouts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := director.Timeouts{TCP: 7200 * time.Second, TCPFin: 30 * time.Second, UDP: 60 * time.Second}
	if err := d.SetTimeouts(ctx, want); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Timeouts(ctx); err != nil || got != want {
		t.Errorf("timeouts %v %v, want %v", got, err, want)
	}
	if err := d.SetTimeouts(ctx, before); err != nil {
		t.Fatal(err)
	}
}

func TestKernelRefusals(t *testing.T) {
	d := openReal(t)
	defer func() { _ = d.Close(ctx, false) }()
	// Every message of several batches is refused (a lower threshold above the
	// upper one: ERANGE); the answers must all fit.
	bad, good := one(web, "rr"), one(web, "rr")
	for n := range 1500 {
		bad[web].Servers[Server(n)] = lvs.Server{Weight: 1, Upper: 1, Lower: 2}
	}
	bad[dns], good[dns] = lvs.Service{Scheduler: "rr"}, lvs.Service{Scheduler: "rr"}
	changes, err := d.Set(ctx, lvs.Whole(bad))
	if changes.Added != 2 || !errors.Is(err, syscall.ERANGE) {
		t.Fatalf("%+v %v, want two services added and the servers refused", changes, err)
	}
	if !strings.HasSuffix(err.Error(), fmt.Sprintf("and %d more", 1500-maxFailures)) {
		t.Errorf("error does not count the refusals: %v", err)
	}
	directortest.Same(t, "the kernel", kernelTable(t), good)
	_, err = d.Set(ctx, lvs.Whole(one(web, "nosuch")))
	if err == nil || !strings.Contains(err.Error(), "modprobe ip_vs_nosuch?") {
		t.Errorf("unknown scheduler: %v", err)
	}
}

func TestKernelCounters(t *testing.T) {
	d := openReal(t)
	defer func() { _ = d.Close(ctx, false) }()
	if _, err := d.Set(ctx, lvs.Whole(one(web, "rr", s1))); err != nil {
		t.Fatal(err)
	}
	got, err := d.Counters(ctx)
	if err != nil || len(got) != 1 || len(got[web].Servers) != 1 {
		t.Errorf("counters %+v %v, want one service with one server", got, err)
	}
}

// BenchmarkKernel is 100 services with 100 servers each: all of them written
// into an empty table, one weight changed, and all of them removed.
func BenchmarkKernel(b *testing.B) {
	d, err := Open(nil, nil, nil)
	if err != nil {
		b.Skip(err)
	}
	defer func() { _ = d.Close(ctx, false) }()
	want := lvs.Table{}
	for v := range 100 {
		s := lvs.Service{Scheduler: "wlc", Servers: map[lvs.ServerKey]lvs.Server{}}
		for r := range 100 {
			s.Servers[Server(v*100+r)] = lvs.Server{Weight: 1}
		}
		want[lvs.ServiceKey{Addr: netip.AddrFrom4([4]byte{10, 1, 1, byte(v)}), Port: 80, Protocol: lvs.TCP, Family: 4}] = s
	}
	some := lvs.ServiceKey{Addr: netip.AddrFrom4([4]byte{10, 1, 1, 50}), Port: 80, Protocol: lvs.TCP, Family: 4}
	set := func(b *testing.B, t lvs.Table) {
		if _, err := d.Set(ctx, lvs.Whole(t)); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("write all", func(b *testing.B) {
		for b.Loop() {
			set(b, want)
			b.StopTimer()
			set(b, lvs.Table{})
			b.StartTimer()
		}
	})
	b.Run("remove all", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			set(b, want)
			b.StartTimer()
			set(b, lvs.Table{})
		}
	})
	b.Run("change one", func(b *testing.B) {
		set(b, want)
		for i := 0; b.Loop(); i++ {
			c := lvs.ServiceDelta{Servers: map[lvs.ServerKey]lvs.Placed{Server(5000): {Server: lvs.Server{Weight: i % 7}, In: true}}}
			if _, err := d.Set(ctx, lvs.Delta{Services: map[lvs.ServiceKey]lvs.ServiceDelta{some: c}}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read all", func(b *testing.B) {
		set(b, want)
		for b.Loop() {
			if _, err := d.Read(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
}
