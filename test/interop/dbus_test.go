package interop_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

const (
	service   = "org.keepalived.Vrrp1"
	base      = "/org/keepalived/Vrrp1"
	vrrp      = base + "/Vrrp"
	instances = base + "/Instance/"
)

// theBus is a system's bus of its own, with the policy that is shipped, and what
// was heard on it.
type theBus struct {
	t       *testing.T
	node    *lab.Node
	dir     string
	process *lab.Process
	conn    *dbus.Conn

	mu      sync.Mutex
	signals []string
}

// newBus makes one in a folder that others may enter.
func newBus(t *testing.T, n *lab.Node) *theBus {
	t.Helper()
	Program(t, "dbus-daemon")
	dir, err := os.MkdirTemp("", "holdfast-bus")
	Must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	Must(t, os.Chmod(dir, 0o755)) // others have to be refused by the bus
	b := &theBus{t: t, node: n, dir: dir}
	policy, err := filepath.Abs("../../packaging/dbus/org.keepalived.Vrrp1.conf")
	Must(t, err)
	text, err := os.ReadFile(policy)
	Must(t, err)
	Must(t, os.WriteFile(filepath.Join(dir, "policy.conf"), text, 0o644)) // as it is installed
	// As /usr/share/dbus-1/system.conf has it.
	Must(t, os.WriteFile(filepath.Join(dir, "bus.conf"), []byte(`<busconfig>
  <type>system</type>
  <listen>`+b.address()+`</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <include>policy.conf</include>
</busconfig>
`), 0o644)) // as it is installed
	b.start()
	return b
}

func (b *theBus) address() string { return "unix:path=" + filepath.Join(b.dir, "socket") }

// with runs a daemon on this bus.
func (b *theBus) with(command []string) []string {
	return append([]string{"/usr/bin/env", "DBUS_SYSTEM_BUS_ADDRESS=" + b.address()}, command...)
}

// start begins, or begins again, and listens.
func (b *theBus) start() {
	var err error
	_ = os.Remove(filepath.Join(b.dir, "socket"))
	b.process, err = b.node.Start(Program(b.t, "dbus-daemon"), "--config-file="+filepath.Join(b.dir, "bus.conf"), "--nofork", "--nopidfile")
	Must(b.t, err)
	Wait(b.t, "there is a bus", func() bool {
		b.conn, err = dbus.Connect(b.address())
		return err == nil
	})
	conn := b.conn
	b.t.Cleanup(func() { _ = conn.Close() })
	heard := make(chan *dbus.Signal, 1000)
	conn.Signal(heard)
	Must(b.t, conn.AddMatchSignal(dbus.WithMatchPathNamespace(base)))
	go func() {
		for s := range heard {
			b.mu.Lock()
			b.signals = append(b.signals, fmt.Sprint(s.Path, " ", s.Name, s.Body))
			b.mu.Unlock()
		}
	}()
}

// heard are the signals about a path, in their order.
func (b *theBus) heard(path string) (out []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.signals {
		if strings.HasPrefix(s, path+" ") {
			out = append(out, s[strings.LastIndex(s, ".")+1:])
		}
	}
	return out
}

func (b *theBus) until(path, signal string, n int) {
	b.t.Helper()
	Wait(b.t, fmt.Sprintf("%s: %s for the %d. time", path, signal, n), func() bool {
		count := 0
		for _, s := range b.heard(path) {
			if s == signal {
				count++
			}
		}
		return count >= n
	})
}

// ask calls a method, and gives what came back as text.
func (b *theBus) ask(path, method string, args ...any) string {
	call := b.conn.Object(service, dbus.ObjectPath(path)).Call(method, 0, args...)
	if call.Err != nil {
		err := fmt.Sprintf("%#v", call.Err)
		if e, ok := call.Err.(dbus.Error); ok { //nolint:errorlint // that is what the library returns
			err = fmt.Sprint(e.Name, e.Body)
		}
		return err
	}
	return comment.ReplaceAllString(fmt.Sprint(call.Body), "")
}

// comment is of the library that wrote a document.
var comment = regexp.MustCompile(`<!-- .* -->\n`)

var child = regexp.MustCompile(`<node name="(.*)"/>`)

// tree is what objects say of themselves, comments left out, from a path down.
func (b *theBus) tree(path string, out map[string]string) {
	var doc string
	if err := b.conn.Object(service, dbus.ObjectPath(path)).Call("org.freedesktop.DBus.Introspectable.Introspect", 0).Store(&doc); err != nil {
		out[path] = err.Error()
		return
	}
	var own, below []string
	for _, line := range strings.Split(doc, "\n") {
		if m := child.FindStringSubmatch(line); m != nil {
			below = append(below, m[1])
		} else if !comment.MatchString(line + "\n") {
			own = append(own, line)
		}
	}
	slices.Sort(below)
	out[path] = strings.Join(own, "\n") + strings.Join(below, " ")
	for _, name := range below {
		b.tree(strings.TrimSuffix(path, "/")+"/"+name, out)
	}
}

// question is a call whose answer must be the same.
type question struct {
	path, method string
	args         []any
}

const (
	get    = "org.freedesktop.DBus.Properties.Get"
	getAll = "org.freedesktop.DBus.Properties.GetAll"
	set    = "org.freedesktop.DBus.Properties.Set"
	ofOne  = "org.keepalived.Vrrp1.Instance"
	ofAll  = "org.keepalived.Vrrp1.Vrrp"
	first  = instances + "eth_0_1/51/IPv4"
)

var questions = []question{
	{first, getAll, []any{ofOne}},
	{first, get, []any{ofOne, "Name"}},
	{first, get, []any{ofOne, "State"}},
	{first, get, []any{ofOne, "Nope"}},
	{first, get, []any{ofOne}},
	{first, get, []any{"org.x", "Name"}},
	{first, getAll, []any{"org.x"}},
	{first, set, []any{ofOne, "Name", dbus.MakeVariant("x")}},
	{first, set, []any{ofOne, "Nope", dbus.MakeVariant("x")}},
	{first, "org.freedesktop.DBus.Properties.Nope", nil},
	{first, "org.freedesktop.DBus.Peer.Ping", nil},
	{first, ofOne + ".SendGarp", nil},
	{first, ofOne + ".SendGarp", []any{"x"}},
	{first, ofOne + ".SendGarp", []any{struct {
		A dbus.Variant
		B []string
	}{dbus.MakeVariant(1), []string{"x"}}}},
	{first, ofOne + ".Nope", nil},
	{first, ofAll + ".PrintData", nil},
	{first, "org.x.Nope", nil},
	{vrrp, getAll, []any{ofAll}},
	{vrrp, getAll, []any{ofOne}},
	{vrrp, ofAll + ".PrintData", []any{"x"}},
	{vrrp, ofAll + ".Nope", nil},
	{vrrp, ofOne + ".SendGarp", nil},
	{base, ofAll + ".PrintData", nil},
	{base, getAll, []any{ofAll}},
	{instances + "eth_0_1/99/IPv4", ofOne + ".SendGarp", nil},
	{"/foo", getAll, []any{ofOne}},
	{"/foo", "org.freedesktop.DBus.Introspectable.Introspect", nil},
	{base, "org.freedesktop.DBus.Introspectable.Nope", nil},
	{first, "org.freedesktop.DBus.Introspectable.Nope", nil},
	{first, "org.freedesktop.DBus.Introspectable.Introspect", []any{"x"}},
}

func dbusConf(more ...Instance) string {
	text := "global_defs {\n    router_id test\n    enable_dbus\n    vrrp_garp_master_delay 0\n}\n"
	for _, i := range append([]Instance{{}, {Name: "VI-6", VRID: 60, Addresses: []string{"fe80::100/64"}}}, more...) {
		i.Interface, i.Priority = "eth-0.1", 150
		text += i.String()
	}
	return text
}

// With the same file both are the same on D-Bus: objects and what they say of
// themselves, properties, errors, and signals at the start, on becoming master,
// in a fault and after it, at a reload that adds and removes, and at the end.
func TestSameOnDBus(t *testing.T) {
	commands := map[string][]string{"keepalived": Keepalived(t), "holdfast": Holdfast()}
	l := New(t)
	var life sync.WaitGroup
	var mu sync.Mutex
	told := map[string]map[string]string{}
	for name, command := range commands {
		n := NodeWith(t, l, name, lab.Port{LAN: "lan " + name, Name: "eth-0.1", Addresses: []string{"192.0.2.11/24", "2001:db8::11/64"}})
		b := newBus(t, n)
		d := Prepare(t, n, b.with(command), dbusConf(Instance{Name: "VI_3", VRID: 53, Addresses: []string{"192.0.2.103/24"}},
			Instance{Name: "VI_4", VRID: 54, Addresses: []string{"192.0.2.104/24"}, Extra: "notify_deleted /bin/true"}))
		life.Go(func() {
			out := b.live(d)
			mu.Lock()
			told[name] = out
			mu.Unlock()
		})
	}
	life.Wait()
	k, h := told["keepalived"], told["holdfast"]
	for what, want := range k {
		if h[what] != want {
			t.Errorf("%s:\nkeepalived: %s\nholdfast:   %s", what, want, h[what])
		}
	}
	for what := range h {
		if _, known := k[what]; !known {
			t.Errorf("%s is holdfast's alone: %s", what, h[what])
		}
	}
}

// live is one daemon's life; it returns all that was said.
func (b *theBus) live(d *lab.Daemon) map[string]string {
	t, said := b.t, map[string]string{}
	paths := map[string]string{"51": first}
	for _, vrid := range []string{"53", "54", "55"} {
		paths[vrid] = instances + "eth_0_1/" + vrid + "/IPv4"
	}
	paths["60"] = instances + "eth_0_1/60/IPv6"
	Must(t, d.Start())
	for _, vrid := range []string{"51", "53", "54", "60"} {
		b.until(paths[vrid], "VrrpStatusChange[2]", 1)
	}
	b.tree("/", said)
	for _, q := range questions {
		said[fmt.Sprint(q)] = b.ask(q.path, q.method, q.args...)
	}
	Must(t, d.Node.SetLink("eth-0.1", false))
	for _, vrid := range []string{"51", "53", "54", "60"} {
		b.until(paths[vrid], "VrrpStatusChange[3]", 1)
	}
	said["in a fault"] = b.ask(first, getAll, ofOne)
	Must(t, d.Node.SetLink("eth-0.1", true))
	Must(t, d.Node.AddAddress("eth-0.1", "2001:db8::11/64"))
	for _, vrid := range []string{"51", "53", "54", "60"} {
		b.until(paths[vrid], "VrrpStatusChange[2]", 2)
	}
	Must(t, d.Configure(dbusConf(Instance{Name: "VI_5", VRID: 55, Addresses: []string{"192.0.2.105/24"}})))
	said["reload"] = b.ask(vrrp, ofAll+".ReloadConfig")
	b.until(paths["55"], "VrrpStatusChange[2]", 1)
	said["gone"] = b.ask(paths["53"], getAll, ofOne)
	after := map[string]string{}
	b.tree("/", after)
	for path, doc := range after {
		said["after the reload: "+path] = doc
	}
	Must(t, d.Stop())
	b.until(vrrp, "VrrpStopped[]", 1)
	for _, path := range append([]string{vrrp}, paths["51"], paths["53"], paths["54"], paths["55"], paths["60"]) {
		// keepalived's thread for D-Bus may come before it is a backup, and says 0 (Init) then.
		heard := slices.DeleteFunc(b.heard(path), func(s string) bool { return s == "VrrpStatusChange[0]" })
		said["signals of "+path] = strings.Join(heard, " ")
	}
	said["after the end"] = b.ask(first, getAll, ofOne)
	return said
}

// A bus that is started again, and an outlet child that dies, cost nobody
// anything: whoever listens is told anew, and VRRP goes on. Only root has
// methods, and a name that we lost is taken again.
func TestDBusComesBack(t *testing.T) {
	l := New(t)
	n := NodeWith(t, l, "holdfast", lab.Port{LAN: "lan", Name: "eth-0.1", Addresses: []string{"192.0.2.11/24", "2001:db8::11/64"}})
	b := newBus(t, n)
	d := Start(t, n, b.with(Holdfast()), dbusConf())
	b.until(first, "VrrpStatusChange[2]", 1)

	other := func(method string, args ...string) string {
		out, err := n.Run("/usr/bin/env", append([]string{"DBUS_SYSTEM_BUS_ADDRESS=" + b.address(), Program(t, "setpriv"), "--reuid=65534", "--clear-groups",
			Program(t, "dbus-send"), "--system", "--print-reply", "--dest=" + service, first, method}, args...)...)
		return fmt.Sprint(out, err)
	}
	if out := other(getAll, "string:"+ofOne); !strings.Contains(out, `"Master"`) {
		t.Errorf("others may not look: %s", out)
	}
	if out := other(ofOne + ".SendGarp"); !strings.Contains(out, "AccessDenied") {
		t.Errorf("others may have something done: %s", out)
	}

	b.process.KillTree()
	WaitLog(t, d, "D-Bus: the bus has gone", 1)
	b.start()
	b.until(vrrp, "VrrpStarted[]", 2)
	b.until(first, "VrrpStatusChange[2]", 2)

	before := outlet(t, d)
	Must(t, syscall.Kill(before.PID, syscall.SIGKILL))
	b.until(vrrp, "VrrpStarted[]", 3)
	b.until(first, "VrrpStatusChange[2]", 3)
	if got := b.ask(first, ofOne+".SendGarp"); got != "[]" {
		t.Errorf("SendGarp: %s", got)
	}
	WaitLog(t, d, "Sending garps on VI_1 on DBus request", 1)
	if i := d.Instance("VI_1"); i == nil || i.Counters["become_master"] != 1 {
		t.Errorf("VRRP has noticed something: %+v", i)
	}

	// Without enable_dbus there is no such child, and with it there is.
	Must(t, d.Configure(strings.Replace(dbusConf(), "enable_dbus", "", 1)))
	Must(t, d.Reload())
	b.until(vrrp, "VrrpStopped[]", 1)
	Wait(t, "the outlet child has gone", func() bool { return outlet(t, d).PID == 0 })
	Must(t, d.Configure(dbusConf()))
	Must(t, d.Reload())
	b.until(vrrp, "VrrpStarted[]", 4)
	Must(t, d.Stop())
	b.until(first, "VrrpStatusChange[98]", 1)
	b.until(vrrp, "VrrpStopped[]", 2)
}

// outlet is the outlet child; the zero value if there is none.
func outlet(t *testing.T, d *lab.Daemon) (none api.Child) {
	t.Helper()
	s, err := d.Status()
	if err != nil {
		return none
	}
	for _, c := range s.Children {
		if c.Name == "outlet" {
			return c
		}
	}
	return none
}
