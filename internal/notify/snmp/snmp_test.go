package snmp

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/notify/snmp/mib"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wait is how long anything may take before a test gives up.
const wait = 20 * time.Second

// master is the other side, by hand.
type master struct {
	t        *testing.T
	listener net.Listener
	conn     net.Conn
	out      *Outlet
	told     chan string
	objects  int             // that there are
	set      chan mib.Change // what was to be set
	refuses  error           // why it is not
}

func newMaster(t *testing.T) *master {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agentx")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	m := &master{t: t, listener: l, told: make(chan string, 100), set: make(chan mib.Change, 10)}
	tree := mib.Build(&mib.State{Version: "test", Parts: mib.Parts{VRRP: true, Checker: true}, Conf: oneServer(), Pools: []api.Service{
		{Name: "[192.0.2.1]:tcp:80", Servers: []api.Server{{Name: "[192.0.2.5]:tcp:80"}}},
	}})
	tree.Walk(func(agentx.VarBind) { m.objects++ })
	m.out = New(Options{
		Socket: "unix:" + path, Roots: mib.Parts{VRRP: true}.Roots(), Descr: "test", Tree: func() *mib.Tree { return tree },
		Set: func(w mib.Change) error { m.set <- w; return m.refuses },
		Told: func(_ slog.Level, what string) {
			select {
			case m.told <- what:
			default:
			}
		},
	})
	t.Cleanup(func() {
		_ = l.Close()
		if m.conn != nil {
			_ = m.conn.Close()
		}
		m.out.Close()
	})
	return m
}

func oneServer() *conf.Config {
	return &conf.Config{VirtualServers: []*conf.VirtualServer{{
		Addr: netip.MustParseAddr("192.0.2.1"), Port: 80, Protocol: "TCP", Family: 4,
		Servers: []*conf.RealServer{{Addr: netip.MustParseAddr("192.0.2.5"), Port: 80}},
	}}}
}

// accept opens a session with whoever comes, up to the end of its registration.
func (m *master) accept() {
	m.t.Helper()
	c, err := m.listener.Accept()
	if err != nil {
		m.t.Fatal(err)
	}
	m.conn = c
	open := m.read()
	if o, ok := open.Body.(agentx.Open); !ok || o.Descr != "test" {
		m.t.Fatalf("began with %+v", open)
	}
	m.answer(&open, agentx.Response{UpTime: 100})
	reg := m.read()
	if r, ok := reg.Body.(agentx.Register); !ok || r.Subtree.Compare(mib.Keepalived) != 0 || reg.Session != 7 {
		m.t.Fatalf("then came %+v", reg)
	}
	m.answer(&reg, agentx.Response{UpTime: 100})
}

func (m *master) read() (p agentx.PDU) {
	m.t.Helper()
	_ = m.conn.SetDeadline(time.Now().Add(wait))
	b := make([]byte, agentx.HeaderLen)
	if _, err := io.ReadFull(m.conn, b); err != nil {
		m.t.Fatal(err)
	}
	n, fault := agentx.Size(b)
	if fault != agentx.Good {
		m.t.Fatal(fault)
	}
	b = append(b, make([]byte, n-len(b))...)
	if _, err := io.ReadFull(m.conn, b[agentx.HeaderLen:]); err != nil {
		m.t.Fatal(err)
	}
	if fault := agentx.Parse(&p, b); fault != agentx.Good {
		m.t.Fatal(fault)
	}
	return p
}

func (m *master) write(p *agentx.PDU) {
	m.t.Helper()
	if _, err := m.conn.Write(agentx.Append(nil, p)); err != nil {
		m.t.Fatal(err)
	}
}

func (m *master) answer(p *agentx.PDU, r agentx.Response) {
	m.t.Helper()
	m.write(&agentx.PDU{Session: 7, Transaction: p.Transaction, Packet: p.Packet, Body: r})
}

// ask sends a request and returns its answer.
func (m *master) ask(body agentx.Body) agentx.Response {
	m.t.Helper()
	m.write(&agentx.PDU{Session: 7, Transaction: 3, Packet: 9, Body: body})
	p := m.read()
	r, ok := p.Body.(agentx.Response)
	if !ok || p.Session != 7 || p.Transaction != 3 || p.Packet != 9 {
		m.t.Fatalf("answered with %+v", p)
	}
	return r
}

func TestAnswers(t *testing.T) {
	m := newMaster(t)
	m.accept()
	version := mib.Keepalived.With(1, 1, 0)
	everything := []agentx.Range{{Start: mib.Keepalived, End: mib.Keepalived[:len(mib.Keepalived)-1].With(6)}}
	for _, c := range []struct {
		what string
		body agentx.Body
		want string
	}{
		{"get", agentx.Get{Ranges: []agentx.Range{{Start: version}}}, `STRING: "test"`},
		{"a row that is not there", agentx.Get{Ranges: []agentx.Range{{Start: mib.Keepalived.With(1, 1, 1)}}}, "noSuchInstance"},
		{"an object that is not there", agentx.Get{Ranges: []agentx.Range{{Start: mib.Keepalived.With(9)}}}, "noSuchObject"},
		{"next", agentx.GetNext{Ranges: everything}, `STRING: "test"`},
		{"next of the same", agentx.GetNext{Ranges: []agentx.Range{{Start: version}}}, `""`},
		{"the same, included", agentx.GetNext{Ranges: []agentx.Range{{Start: version, Include: true}}}, `STRING: "test"`},
		{"the end", agentx.GetNext{Ranges: []agentx.Range{{Start: version, End: mib.Keepalived.With(1, 1, 1)}}}, "endOfMibView"},
	} {
		r := m.ask(c.body)
		if r.Error != agentx.NoError || len(r.VarBinds) != 1 || !strings.Contains(r.VarBinds[0].String(), c.want) {
			t.Errorf("%s: %+v, want %s", c.what, r, c.want)
		}
	}
	r := m.ask(agentx.GetBulk{NonRepeaters: 1, MaxRepetitions: 3, Ranges: append(everything, agentx.Range{Start: version})})
	if len(r.VarBinds) != 4 || r.VarBinds[3].Name.Compare(mib.Keepalived.With(1, 3, 2, 0)) != 0 {
		t.Errorf("in bulk: %+v", r.VarBinds)
	}
	if r := m.ask(agentx.GetBulk{MaxRepetitions: 65535, Ranges: everything}); len(r.VarBinds) != m.objects+1 || r.VarBinds[len(r.VarBinds)-1].Type != agentx.EndOfMIBView {
		t.Errorf("all in bulk: %d objects", len(r.VarBinds))
	}
	if r := m.ask(agentx.TestSet{VarBinds: []agentx.VarBind{{Name: version, Value: agentx.Text("x")}}}); r.Error != agentx.NotWritable || r.Index != 1 {
		t.Errorf("a set: %+v", r)
	}
	if e := m.out.Epoch(); time.Since(e) < time.Second || time.Since(e) > wait {
		t.Errorf("the master began at %v", e)
	}
}

// Traps that come before there is a master wait for it, and only so many.
func TestTraps(t *testing.T) {
	m := newMaster(t)
	for range maxTraps + 3 {
		m.out.Trap(mib.InstanceTrap(&conf.Config{}, "VI_1", "MASTER"))
	}
	m.accept()
	n := m.read()
	if b, ok := n.Body.(agentx.Notify); !ok || len(b.VarBinds) != 5 || b.VarBinds[2].Signed() != 2 {
		t.Fatalf("%+v", n)
	}
	for lost := false; !lost; {
		select {
		case line := <-m.told:
			lost = strings.Contains(line, "3 traps were lost")
		case <-time.After(wait):
			t.Fatal("nobody told")
		}
	}
}

// Whatever a master does, the subagent comes again.
func TestComesAgain(t *testing.T) {
	m := newMaster(t)
	for _, what := range []string{"gone", "closed", "no AgentX", "too long"} {
		m.accept()
		switch what {
		case "closed":
			m.write(&agentx.PDU{Session: 7, Body: agentx.Close{Reason: agentx.ReasonOther}})
		case "no AgentX":
			_, _ = m.conn.Write([]byte(strings.Repeat("GET / HTTP/1.1\r\n", 4)))
		case "too long":
			_, _ = m.conn.Write(append([]byte{1, 5, 16, 0}, "............\xff\xff\xff\xff"...))
		}
		if what != "gone" {
			_, _ = io.Copy(io.Discard, m.conn) // it leaves by itself
		}
		_ = m.conn.Close()
	}
	m.accept()
}

func TestTarget(t *testing.T) {
	for in, want := range map[string]string{
		"": "unix /var/agentx/master", "/run/x": "unix /run/x", "unix:/run/x": "unix /run/x", "tcp:localhost:7": "tcp localhost:7",
		"tcp:1705": "tcp localhost:1705", "tcp6:[::1]:705": "tcp6 [::1]:705", "192.0.2.1:705": "tcp 192.0.2.1:705", "udp:1.2.3.4:705": "udp 1.2.3.4:705",
		"host": "tcp host:705",
	} {
		if network, address := target(in); network+" "+address != want {
			t.Errorf("%s is %s %s, want %s", in, network, address, want)
		}
	}
}

// RFC 2741 §7.2.4: a set is tested, committed or not, and cleaned up.
func TestSets(t *testing.T) {
	m := newMaster(t)
	m.accept()
	set := func(n int) agentx.TestSet {
		return agentx.TestSet{VarBinds: []agentx.VarBind{{Name: mib.Keepalived.With(3, 4, 1, 7, 1, 1), Value: agentx.Int(n)}}}
	}
	want := func(what string, body agentx.Body, want agentx.Error, weights ...int) {
		t.Helper()
		if r := m.ask(body); r.Error != want {
			t.Errorf("%s: %v, want %v", what, r.Error, want)
		}
		for _, n := range weights {
			if w := <-m.set; w != (mib.Weight{Service: "[192.0.2.1]:tcp:80", Server: "[192.0.2.5]:tcp:80", Weight: n}) {
				t.Errorf("%s: %+v", what, w)
			}
		}
		if len(m.set) > 0 {
			t.Errorf("%s: something is set", what)
		}
	}
	cleanup := func() { m.write(&agentx.PDU{Session: 7, Transaction: 3, Packet: 9, Body: agentx.CleanupSet{}}) }
	want("a commit of nothing", agentx.CommitSet{}, agentx.CommitFailed)
	want("a test", set(7), agentx.NoError)
	want("a commit", agentx.CommitSet{}, agentx.NoError, 7)
	want("a second commit", agentx.CommitSet{}, agentx.CommitFailed)
	want("an undo of what is done", agentx.UndoSet{}, agentx.UndoFailed)
	cleanup()
	want("a test", set(8), agentx.NoError)
	want("an undo of what is not done", agentx.UndoSet{}, agentx.NoError)
	want("a commit of what is undone", agentx.CommitSet{}, agentx.CommitFailed)
	want("a test", set(8), agentx.NoError)
	cleanup()
	want("a commit of what is cleaned up", agentx.CommitSet{}, agentx.CommitFailed)
	want("a bad test", set(-1), agentx.WrongValue)
	want("a commit of it", agentx.CommitSet{}, agentx.CommitFailed)
	many := set(8)
	for range maxSets {
		many.VarBinds = append(many.VarBinds, many.VarBinds[0])
	}
	want("too many", many, agentx.GenErr)
	m.refuses = errors.New("no")
	want("a test", set(9), agentx.NoError)
	want("a commit that fails", agentx.CommitSet{}, agentx.CommitFailed, 9)
}
