package ipvs

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/director/directortest"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

var (
	web  = lvs.ServiceKey{Addr: netip.MustParseAddr("10.1.0.1"), Port: 80, Protocol: lvs.TCP, Family: 4}
	web6 = lvs.ServiceKey{Addr: netip.MustParseAddr("2001:db8::1"), Port: 80, Protocol: lvs.TCP, Family: 6}
	dns  = lvs.ServiceKey{Addr: netip.MustParseAddr("10.1.0.1"), Port: 53, Protocol: lvs.UDP, Family: 4}
	mark = lvs.ServiceKey{FWMark: 7, Family: 4}
	s1   = lvs.ServerKey{Addr: netip.MustParseAddr("10.0.0.1"), Port: 8080}
	s2   = lvs.ServerKey{Addr: netip.MustParseAddr("10.0.0.2"), Port: 8080}
	ctx  = context.Background()
)

func one(key lvs.ServiceKey, scheduler string, servers ...lvs.ServerKey) lvs.Table {
	s := lvs.Service{Scheduler: scheduler, Servers: map[lvs.ServerKey]lvs.Server{}}
	for _, k := range servers {
		s.Servers[k] = lvs.Server{Weight: 1}
	}
	return lvs.Table{key: s}
}

func TestSuite(t *testing.T) {
	var f *fakeKernel
	directortest.Run(t, directortest.Options{
		Open: func(t *testing.T) director.Director {
			if f == nil || f.t != t {
				f = newFake(t)
			}
			return f.open()
		},
		Keys:       []lvs.ServiceKey{web, web6, mark, dns, {FWMark: 7, Family: 6}},
		Schedulers: []string{"rr", "wlc", "sh"},
		World:      func(t *testing.T) lvs.Table { return f.world(t) },
	})
}

func TestEveryFieldReachesTheKernel(t *testing.T) {
	f := newFake(t)
	d := f.open()
	want := lvs.Table{
		web: {Scheduler: "wlc", Flags: 0x38, Persistence: 300 * time.Second, Netmask: 0xffffff00,
			Servers: map[lvs.ServerKey]lvs.Server{
				s1: {Forward: lvs.DirectRoute, Weight: 65535, Upper: 1000, Lower: 10},
				s2: {Forward: lvs.Tunnel},
			}},
		web6: {Scheduler: "wrr", Persistence: time.Second, Netmask: 64, PersistenceEngine: "sip",
			Servers: map[lvs.ServerKey]lvs.Server{
				{Addr: netip.MustParseAddr("2001:db8::2"), Port: 1}: {Forward: lvs.NAT, Weight: 1},
			}},
	}
	if _, err := d.Set(ctx, lvs.Whole(want)); err != nil {
		t.Fatal(err)
	}
	directortest.Same(t, "the kernel", f.world(t), want)
}

func TestOthersServicesAreNotTouched(t *testing.T) {
	f := newFake(t)
	f.table[dns] = lvs.Service{Scheduler: "rr", Servers: map[lvs.ServerKey]lvs.Server{s1: {Weight: 9}}}
	d := f.open()
	if _, err := d.Set(ctx, lvs.Whole(one(web, "rr", s1))); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Read(ctx); err != nil || len(got) != 1 {
		t.Errorf("Read gives %v %v, want ours only", got, err)
	}
	if err := d.Close(ctx, false); err != nil {
		t.Fatal(err)
	}
	want := lvs.Table{dns: {Scheduler: "rr", Servers: map[lvs.ServerKey]lvs.Server{s1: {Weight: 9}}}}
	directortest.Same(t, "the kernel after Close", f.world(t), want)
	if !f.closed {
		t.Error("the socket is still open")
	}
}

// Somebody adds the service between our reading and our writing.
func TestServiceUnderOurKeyIsTakenOver(t *testing.T) {
	f := newFake(t)
	d := f.open()
	if _, err := d.Set(ctx, lvs.Whole(one(dns, "rr", s1))); err != nil {
		t.Fatal(err)
	}
	f.table[web] = lvs.Service{Scheduler: "rr", Servers: map[lvs.ServerKey]lvs.Server{s2: {Weight: 3}}}
	want := one(web, "wlc", s1)
	if _, err := d.Set(ctx, lvs.Whole(want)); err != nil {
		t.Fatal(err)
	}
	directortest.Same(t, "the kernel", f.world(t), want)
}

// ipvsadm -C by somebody else: the next difference shows it, all is put back,
// and what was undone is known, without what the difference itself brought.
func TestFlushBySomebodyElseIsRepaired(t *testing.T) {
	for _, change := range []func(lvs.Table){
		func(w lvs.Table) { w[web].Servers[s1] = lvs.Server{Weight: 5} },
		func(w lvs.Table) { w[web].Servers[lvs.ServerKey{Addr: s1.Addr, Port: 1}] = lvs.Server{Weight: 5} },
		func(w lvs.Table) { s := w[web]; s.Scheduler = "sh"; w[web] = s },
		func(w lvs.Table) { delete(w[web].Servers, s1) },
	} {
		f := newFake(t)
		d := f.open()
		want := one(web, "rr", s1, s2)
		if _, err := d.Set(ctx, lvs.Whole(want)); err != nil {
			t.Fatal(err)
		}
		if undone := d.Undone(); undone != nil {
			t.Errorf("undid %v, and nobody did anything", undone)
		}
		clear(f.table)
		change(want)
		if _, err := d.Set(ctx, lvs.Whole(want)); err != nil {
			t.Fatal(err)
		}
		directortest.Same(t, "the kernel", f.world(t), want)
		undone := d.Undone()
		if len(undone) == 0 || undone[0].String() != "VS "+director.ServiceName(web)+" was gone" || len(d.Undone()) > 0 {
			t.Errorf("undid %v", undone)
		}
		for _, op := range undone {
			if op.Verb == director.AddServer && op.Server.Port == 1 {
				t.Errorf("%v was to be added anyway", op)
			}
		}
	}
}

// What an audit finds changed it puts back and names.
func TestAudit(t *testing.T) {
	f := newFake(t)
	d := f.open()
	other := lvs.ServerKey{Addr: netip.MustParseAddr("10.9.9.9"), Port: 9}
	want := lvs.Table{
		web: {Scheduler: "rr", Servers: map[lvs.ServerKey]lvs.Server{s1: {Weight: 1}, s2: {Weight: 2}}},
		dns: {Scheduler: "rr", Servers: map[lvs.ServerKey]lvs.Server{s1: {Weight: 1}}},
	}
	ctx := t.Context()
	if _, err := d.Set(ctx, lvs.Whole(want)); err != nil {
		t.Fatal(err)
	}
	audit := func(expected ...string) {
		t.Helper()
		ops, _, err := d.Audit(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, op := range ops {
			said = append(said, op.String())
		}
		if !slices.Equal(said, expected) {
			t.Errorf("undid %q, want %q", said, expected)
		}
	}
	audit()
	f.table[web].Servers[s2] = lvs.Server{Weight: 77} // and nothing else
	audit(director.ServerName(web, s2) + " of VS " + director.ServiceName(web) + " was changed")
	delete(f.table[web].Servers, s1)
	f.table[web].Servers[s2] = lvs.Server{Weight: 77}
	f.table[web].Servers[other] = lvs.Server{Weight: 1}
	delete(f.table, dns)
	audit("VS "+director.ServiceName(dns)+" was gone", director.ServerName(dns, s1)+" of VS "+director.ServiceName(dns)+" was gone",
		director.ServerName(web, s1)+" of VS "+director.ServiceName(web)+" was gone",
		director.ServerName(web, s2)+" of VS "+director.ServiceName(web)+" was changed",
		director.ServerName(web, other)+" of VS "+director.ServiceName(web)+" was added")
	audit()
	if len(f.table) != 2 || len(f.table[web].Servers) != 2 || f.table[web].Servers[s2].Weight != 2 {
		t.Errorf("the table is %v", f.table)
	}
}

func TestUnknownSchedulerIsSaidOnceAndTheRestWorks(t *testing.T) {
	f := newFake(t)
	d := f.open()
	want := one(web, "nosuch", s1, s2)
	want[dns] = lvs.Service{Scheduler: "rr"}
	changes, err := d.Set(ctx, lvs.Whole(want))
	if !errors.Is(err, syscall.ENOENT) {
		t.Fatalf("error %v, want ENOENT", err)
	}
	const line = "add VS [10.1.0.1]:tcp:80 with scheduler nosuch: no such file or directory (modprobe ip_vs_nosuch?)"
	if err.Error() != line {
		t.Errorf("error %q, want %q", err, line)
	}
	if changes.Added != 1 || len(f.table) != 1 {
		t.Errorf("%+v written and %d services there, want the other one", changes, len(f.table))
	}
	// It is tried again with the next Set, and works once the module is there.
	f.schedulers = append(f.schedulers, "nosuch")
	if _, err := d.Set(ctx, lvs.Whole(want)); err != nil {
		t.Fatal(err)
	}
	directortest.Same(t, "the kernel", f.world(t), want)
}

func TestReplacementComesBeforeRemoval(t *testing.T) {
	f := newFake(t)
	d := f.open()
	if _, err := d.Set(ctx, lvs.Whole(one(web, "rr", s1))); err != nil {
		t.Fatal(err)
	}
	ops := director.Diff(director.CanonicalTable(one(web, "rr", s1)), director.CanonicalTable(one(web, "rr", s2)))
	if len(ops) != 2 || ops[0].Verb != director.AddServer || ops[1].Verb != director.RemoveServer {
		t.Errorf("operations %+v, want the new server first", ops)
	}
}

func TestManyServersGoInFewWrites(t *testing.T) {
	f := newFake(t)
	d := f.open()
	want := Many(100, 100)
	changes, err := d.Set(ctx, lvs.Whole(want))
	if err != nil {
		t.Fatal(err)
	}
	if changes.Added != 100*101 {
		t.Errorf("%+v", changes)
	}
	if f.messages != 100*101 || f.writes > f.messages/maxBatch+5 {
		t.Errorf("%d messages in %d writes", f.messages, f.writes)
	}
	directortest.Same(t, "the kernel", f.world(t), want)
	f.messages = 0
	want[lvs.ServiceKey{Addr: web.Addr, Port: 1, Protocol: lvs.TCP, Family: 4}].Servers[Server(3)] = lvs.Server{Weight: 9}
	if _, err := d.Set(ctx, lvs.Whole(want)); err != nil || f.messages != 1 {
		t.Errorf("one of 10,000 changed: %d messages, %v", f.messages, err)
	}
}

func TestErrorsAreBounded(t *testing.T) {
	f := newFake(t)
	_, err := f.open().Set(ctx, lvs.Whole(func() lvs.Table {
		want := Many(50, 1)
		for k, s := range want {
			s.Scheduler = "nosuch"
			want[k] = s
		}
		return want
	}()))
	if lines := strings.Count(err.Error(), "\n") + 1; lines != maxFailures+1 || !strings.HasSuffix(err.Error(), "and 30 more") {
		t.Errorf("%d lines: %v", lines, err)
	}
}

// The end calls an audit off, and takes what is ours away without a look.
func TestAuditIsCalledOff(t *testing.T) {
	f := newFake(t)
	d := f.open()
	want := lvs.Table{
		web: {Scheduler: "rr", Servers: map[lvs.ServerKey]lvs.Server{s1: {Weight: 1}, s2: {Weight: 2}}},
		dns: {Scheduler: "rr", Servers: map[lvs.ServerKey]lvs.Server{s1: {Weight: 1}}},
	}
	if _, err := d.Set(ctx, lvs.Whole(want)); err != nil {
		t.Fatal(err)
	}
	bounded, cancel := context.WithCancel(ctx)
	f.reads, f.onRead = 0, func() {
		if f.reads == 2 { // the first service's servers
			cancel()
		}
	}
	if _, _, err := d.Audit(bounded); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := d.Close(ctx, false); err != nil || len(f.table) != 0 || f.reads != 2 {
		t.Errorf("%v; left is %v, after %d reads", err, f.table, f.reads)
	}
}

func TestCancelled(t *testing.T) {
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := newFake(t).open().Set(cancelled, lvs.Whole(one(web, "rr"))); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestTruncatedAnswersAreErrors(t *testing.T) {
	b := &batch{}
	b.dest(web, s1, lvs.Server{Weight: 1}, true)
	for n := range len(b.buf) {
		// Must neither panic nor invent a server from half an answer silently
		// where the framing is broken.
		_, _ = parseDest(b.buf[:n], 4)
		_, _ = parseService(b.buf[:n])
	}
	if _, err := parseDest(nil, 4); err == nil {
		t.Error("an empty answer is a server")
	}
	if _, err := eachMessage(make([]byte, 16), nil); err == nil {
		t.Error("a message of length 0 is taken")
	}
}

// Many makes services × servers.
func Many(services, servers int) lvs.Table {
	t := lvs.Table{}
	for v := range services {
		s := lvs.Service{Scheduler: "rr", Servers: make(map[lvs.ServerKey]lvs.Server, servers)}
		for r := range servers {
			s.Servers[Server(r)] = lvs.Server{Weight: 1}
		}
		t[lvs.ServiceKey{Addr: web.Addr, Port: uint16(v + 1), Protocol: lvs.TCP, Family: 4}] = s
	}
	return t
}

// Server is the n-th real server.
func Server(n int) lvs.ServerKey {
	return lvs.ServerKey{Addr: netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), Port: 8080}
}
