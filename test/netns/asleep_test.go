package netns_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// segment counts the adverts on a segment by who sends them, resignations left out.
type segment struct {
	mu    sync.Mutex
	count map[string]int
}

func (w *segment) from(source string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count[source]
}

// listen has a node of its own hear what all others say.
func listen(t *testing.T, l *lab.Lab) *segment {
	t.Helper()
	n := Node(t, l, "ear", stranger+"/24")
	c, err := n.ListenPacket("ip4:112", "0.0.0.0")
	Must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	Must(t, n.Do(func() error {
		eth0, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		return ipv4.NewPacketConn(c).JoinGroup(eth0, &net.IPAddr{IP: net.IPv4(224, 0, 0, 18)})
	}))
	w := &segment{count: map[string]int{}}
	go func() {
		b := make([]byte, 1500)
		for {
			size, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			if size > 2 && b[2] > 0 {
				w.mu.Lock()
				w.count[from.String()]++
				w.mu.Unlock()
			}
		}
	}()
	return w
}

// signal sends one to processes, the first one first.
func signal(t *testing.T, s syscall.Signal, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		Must(t, syscall.Kill(pid, s))
	}
}

// A backup that did not run is no master when it does again, however long it
// was: it must not take its own deafness for the master's silence.
func TestSleepingBackupTakesNothing(t *testing.T) {
	l, a, b := pair(t)
	w := listen(t, l)
	Wait(t, "adverts of a on the wire", func() bool { return w.from("192.0.2.11") > 0 })
	vrrp := child(t, b)
	for name, pids := range map[string][]int{"the child": {vrrp}, "child and parent": {vrrp, b.PID()}} {
		for _, d := range []time.Duration{100 * time.Millisecond, 1300 * time.Millisecond, 3 * time.Second} {
			heard := w.from("192.0.2.11")
			signal(t, syscall.SIGSTOP, pids...)
			time.Sleep(d) // this is what happens to b, and nothing is measured by it
			signal(t, syscall.SIGCONT, pids...)
			Wait(t, fmt.Sprintf("b is there again after %s was stopped for %v, and hears a", name, d), func() bool {
				i := b.Instance("VI_1")
				return i != nil && i.Master == "192.0.2.11" && w.from("192.0.2.11") > heard+int(d/(300*time.Millisecond))
			})
			if n := w.from("192.0.2.12"); n > 0 || Logged(b, enteringMaster) > 0 || b.Node.Has(Virtual) {
				t.Fatalf("stopped %s for %v: b has sent %d adverts", name, d, n)
			}
		}
	}
	if b.ChildPID("vrrp") != vrrp || Logged(a, enteringMaster) != 1 {
		t.Error("somebody was replaced, or changed")
	}
}

// A master that did not run, and was replaced meanwhile, notices that before it
// says anything.
func TestSleepingMasterListensFirst(t *testing.T) {
	l, a, b := pair(t)
	w := listen(t, l)
	pids := []int{child(t, a), a.PID()}
	signal(t, syscall.SIGSTOP, pids...)
	WaitLog(t, b, enteringMaster, 1)
	Wait(t, "adverts of b on the wire", func() bool { return w.from("192.0.2.12") > 0 })
	signal(t, syscall.SIGCONT, pids...)
	WaitLog(t, a, "192.0.2.12 of priority 100 has taken over", 1)
	WaitLog(t, a, enteringMaster, 2)
	WaitMaster(t, Virtual, a, b)
	if n := Logged(a, "TWO MASTERS") + Logged(b, "TWO MASTERS"); n > 0 {
		t.Error("a spoke before it had listened")
	}
	if !strings.Contains(afterLast(a.Log(), enteringMaster), "192.0.2.12 has lower priority 100") {
		t.Error("a is not master again for having heard b")
	}
}

// A master that did not run for several Master_Down_Intervals, and is alone, is
// master still: its address never goes, and it announces it once more.
func TestSleepingMasterAloneGoesOn(t *testing.T) {
	l := New(t)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(Instance{Priority: 150}))
	WaitMaster(t, Virtual, a)
	watched := watchAddresses(t, l, a)
	pids := []int{child(t, a), a.PID()}
	signal(t, syscall.SIGSTOP, pids...)
	time.Sleep(2 * time.Second) // this is what happens to a, and nothing is measured by it
	signal(t, syscall.SIGCONT, pids...)
	WaitLog(t, a, "goes on after it slept for", 1)
	Wait(t, "a is there again", func() bool { i := a.Instance("VI_1"); return i != nil && i.State == "MASTER" && i.ListensMS == 0 })
	text, err := os.ReadFile(watched)
	Must(t, err)
	if strings.Contains(string(text), Virtual) || Logged(a, enteringMaster) != 1 || Logged(a, enteringBackup) != 1 {
		t.Errorf("it changed its state; what happened to addresses:\n%s", text)
	}
}

// watchAddresses has all that becomes of a node's addresses written to a file.
func watchAddresses(t *testing.T, l *lab.Lab, a *lab.Daemon) (file string) {
	t.Helper()
	file = l.Path("addresses")
	_, err := a.Node.StartTo(file, "ip", "monitor", "address")
	Must(t, err)
	// The monitor is heard from before it is trusted.
	Wait(t, "the monitor sees addresses", func() bool {
		Must(t, a.Node.AddAddress("lo", "198.51.100.1/32"))
		Must(t, a.Node.DelAddress("lo", "198.51.100.1/32"))
		text, _ := os.ReadFile(file)
		return strings.Contains(string(text), "198.51.100.1")
	})
	return file
}

// A child that dies is replaced before anybody misses its adverts, and the
// addresses do not move. One that dies again at once had better not go on.
func TestKilledChildGoesOn(t *testing.T) {
	l := New(t)
	slow := func(priority int) string { return config(Instance{Priority: priority, Advert: "2"}) }
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), slow(150))
	WaitMaster(t, Virtual, a)
	b := Start(t, Node(t, l, "b", "192.0.2.12/24"), Holdfast(), slow(100))
	WaitLog(t, b, "(VI_1) "+enteringBackup, 1)
	watched := watchAddresses(t, l, a)
	old := child(t, a)
	kill(t, old)
	WaitLog(t, a, enteringMaster+": goes on: its process died", 1)
	Wait(t, "the successor answers", func() bool { i := a.Instance("VI_1"); return i != nil && i.State == "MASTER" })
	if n := Logged(b, enteringMaster); n > 0 {
		t.Errorf("b became master %d times", n)
	}
	text, err := os.ReadFile(watched)
	Must(t, err)
	if strings.Contains(string(text), Virtual) {
		t.Errorf("the address was touched:\n%s", text)
	}

	kill(t, child(t, a))
	WaitLog(t, a, "died twice within 1m0s: it begins as backup", 1)
	WaitMaster(t, Virtual, b, a)
}
