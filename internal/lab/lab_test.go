package lab

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var noNamespaces string // why there are none, if so

func TestMain(m *testing.M) {
	code, done, err := Isolate(os.Stdin, os.Stdout, os.Stderr)
	if done {
		os.Exit(code)
	}
	if err != nil {
		noNamespaces = err.Error()
	}
	os.Exit(m.Run())
}

// small makes a lab of two nodes, one and two, on a segment.
func small(t *testing.T) (l *Lab, one, two *Node) {
	t.Helper()
	if noNamespaces != "" {
		t.Skip(noNamespaces)
	}
	t.Parallel()
	l, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	var nodes []*Node
	for i, name := range []string{"one", "two"} {
		n, err := l.Node(name, Port{"lan", "eth0", []string{
			fmt.Sprintf("192.0.2.%d/24", i+1), fmt.Sprintf("2001:db8::%d/64", i+1)}})
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, n)
	}
	return l, nodes[0], nodes[1]
}

func get(n *Node, address string) (string, error) {
	return n.Get(context.Background(), address)
}

// reach is get on a busy machine, where a first packet may be lost.
func reach(n *Node, address string) (got string, err error) {
	for range 20 {
		if got, err = get(n, address); err == nil || plain(err) != "no answer within "+askLimit.String() {
			break
		}
	}
	return got, err
}

func TestNodesReachEachOther(t *testing.T) {
	_, one, two := small(t)
	if _, err := two.Backend(":80"); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"192.0.2.2:80", "[2001:db8::2]:80"} {
		if got, err := reach(one, address); got != "two" || err != nil {
			t.Errorf("%s answered %q, %v", address, got, err)
		}
	}
	if got, err := reach(one, "192.0.2.2:81"); err == nil || plain(err) != "connection refused" {
		t.Errorf("a closed port answered %q, %v", got, err)
	}
}

func TestCutIsolateHeal(t *testing.T) {
	l, one, two := small(t)
	if _, err := two.Backend(":80"); err != nil {
		t.Fatal(err)
	}
	for name, fault := range map[string]func(string, ...string) error{"cut": l.Cut, "isolate": l.Isolate} {
		if err := fault("two"); err != nil {
			t.Fatal(err)
		}
		if got, err := get(one, "192.0.2.2:80"); err == nil {
			t.Errorf("%s: still answers %q", name, got)
		}
		link, err := two.links.LinkByName("eth0")
		if err != nil {
			t.Fatal(err)
		}
		if carrier := link.Attrs().RawFlags&syscall.IFF_RUNNING != 0; carrier != (name == "isolate") {
			t.Errorf("%s: carrier is %v", name, carrier)
		}
		if err := l.Heal("two"); err != nil {
			t.Fatal(err)
		}
		if _, err := reach(one, "192.0.2.2:80"); err != nil {
			t.Errorf("healed after %s: %v", name, err)
		}
	}
	if err := l.Cut("two", "eth7"); err == nil {
		t.Error("a cable that is not there was cut")
	}
}

func TestBackendFaults(t *testing.T) {
	_, one, two := small(t)
	b, err := two.Backend(":80")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reach(one, "192.0.2.2:80"); err != nil {
		t.Fatal(err)
	}
	for fault, want := range map[Fault]string{
		Refuse: "connection refused", Broken: "answer 503 Service Unavailable", Hang: "no answer within 900ms",
	} {
		if err := b.Fail(fault); err != nil {
			t.Fatal(err)
		}
		if _, err := get(one, "192.0.2.2:80"); err == nil || plain(err) != want {
			t.Errorf("%s: %v, want %s", fault, err, want)
		}
		if err := b.Fail(Healthy); err != nil {
			t.Fatal(err)
		}
		if _, err := reach(one, "192.0.2.2:80"); err != nil {
			t.Errorf("healed after %s: %v", fault, err)
		}
	}
}

func TestTrafficSeesAnOutage(t *testing.T) {
	_, one, two := small(t)
	b, err := two.Backend(":80")
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan Outage, 1)
	traffic := one.Ask("192.0.2.2:80", 100, func(o Outage) { told <- o })
	defer traffic.Close()
	eventually(t, "the first answer", func() bool { return traffic.State().Servers["two"] > 0 })
	if err := b.Fail(Refuse); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an open outage", func() bool { return traffic.State().Open != nil })
	if err := b.Fail(Healthy); err != nil {
		t.Fatal(err)
	}
	select {
	case o := <-told:
		if o.Failed == 0 || o.Length <= 0 || o.Why == "" {
			t.Errorf("got %+v", o)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the outage does not end")
	}
}

// A daemon's children and grandchildren die with it, and nothing is left on the
// node when the lab is closed, not even what has left its session.
func TestNothingOutlivesTheLab(t *testing.T) {
	l, one, two := small(t)
	tree, err := one.Start("sh", "-c", "sleep 1000 & sh -c 'sleep 1000 & wait' & wait")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "four processes", func() bool { return len(one.processes()) == 4 })
	tree.KillTree()
	eventually(t, "none", func() bool { return len(one.processes()) == 0 })

	if _, err := two.Start("sh", "-c", "setsid sh -c 'sleep 1000 & echo $!'; sleep 1000"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an orphan", func() bool { return len(two.processes()) == 3 || len(two.processes()) == 2 })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if left := append(one.processes(), two.processes()...); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	if _, err := os.Stat(l.Dir()); err == nil {
		t.Errorf("%s is left", l.Dir())
	}
	if _, err := one.Run("true"); err == nil {
		t.Error("a closed node runs programs")
	}
}

// The network namespaces go when the process that holds them is killed.
func TestNodesNeedNoName(t *testing.T) {
	_, one, _ := small(t)
	entries, err := os.ReadDir("/run/netns")
	if err == nil {
		for _, e := range entries {
			if info, err := e.Info(); err == nil && info.Sys().(*syscall.Stat_t).Ino == one.inode {
				t.Errorf("node one is named %s", e.Name())
			}
		}
	}
	out, err := one.Run("readlink", "/proc/self/ns/net")
	if err != nil || !strings.Contains(out, strconv.FormatUint(one.inode, 10)) {
		t.Errorf("a program on the node is in %s, not in %d: %v", out, one.inode, err)
	}
}

func TestUDPFromANode(t *testing.T) {
	_, one, two := small(t)
	in, err := two.ListenPacket("udp", "192.0.2.2:5000")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	out, err := one.DialContext(context.Background(), "udp", "192.0.2.2:5000")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.WriteString(out, "well"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	_ = in.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, from, err := in.ReadFrom(buf)
	if err != nil || string(buf[:n]) != "well" || from.(*net.UDPAddr).IP.String() != "192.0.2.1" {
		t.Errorf("got %q from %v, %v", buf[:n], from, err)
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(poll)
	}
}
