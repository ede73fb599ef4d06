package netns_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

func TestReloadKeepsMastership(t *testing.T) {
	const second = "192.0.2.101"
	_, a, b := pair(t)
	// Excluded from the adverts, so that b, which lacks it, has nothing to object to.
	Must(t, a.Configure(config(Instance{Priority: 150,
		Extra: "virtual_ipaddress_excluded {\n        " + second + "/24\n    }"})))
	Must(t, a.Reload())
	Wait(t, "the new address", func() bool { return a.Node.Has(second) })
	if !a.Node.Has(Virtual) || b.Node.Has(Virtual) || Logged(b, enteringMaster) > 0 {
		t.Error("the mastership moved")
	}
	Must(t, a.Configure(config(Instance{Priority: 150})))
	Must(t, a.Reload())
	Wait(t, "the second address is gone again", func() bool { return !a.Node.Has(second) })
	if !a.Node.Has(Virtual) || Logged(b, enteringMaster) > 0 {
		t.Error("the mastership moved")
	}
	if n := Logged(a, enteringMaster); n != 1 {
		t.Errorf("a became master %d times, want once", n)
	}
}

func TestReloadOfPriority(t *testing.T) {
	_, a, b := pair(t)
	Must(t, a.Configure(config(Instance{Priority: 50})))
	Must(t, a.Reload())
	WaitMaster(t, Virtual, b, a)
	Must(t, a.Configure(config(Instance{Priority: 150})))
	Must(t, a.Reload())
	WaitMaster(t, Virtual, a, b)
}

// A file with a mistake that the running one does not have changes nothing.
func TestReloadOfABrokenFile(t *testing.T) {
	_, a, b := pair(t)
	broken := strings.Replace(config(Instance{Priority: 50}), "priority 50", "priority 50\n    priorty 60", 1)
	Must(t, a.Configure(broken))
	Must(t, a.Reload())
	Wait(t, "the refusal is told by status", func() bool {
		s, err := a.Status()
		return err == nil && s.Reload != nil && strings.Contains(s.Reload.Why, "priorty")
	})
	WaitLog(t, a, "priorty", 1)
	i := a.Instance("VI_1")
	if i == nil || i.State != "MASTER" || i.Priority != 150 {
		t.Errorf("the instance is %+v, want the master with priority 150", i)
	}
	if Logged(b, enteringMaster) > 0 {
		t.Error("b took over")
	}
	Must(t, a.Configure(config(Instance{Priority: 150})))
	Must(t, a.Reload())
	Wait(t, "the next good reload clears it", func() bool {
		s, err := a.Status()
		return err == nil && s.Reload == nil
	})
}

// What a reload does is said before it is done, in the words of
// `holdfast config diff`, to the log and to status.
func TestReloadTellsItsPlan(t *testing.T) {
	l := New(t)
	before := config(Instance{Priority: 150})
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), before)
	WaitMaster(t, Virtual, a)
	Must(t, a.Reload())
	WaitLog(t, a, "Reload: nothing changed", 1)
	Wait(t, "status says the same", func() bool {
		s, err := a.Status()
		return err == nil && s.LastReload != nil && !s.LastReload.Changes && len(s.LastReload.Plan) == 0
	})

	after := config(Instance{Priority: 140}, "vrrp_track_file seen {\n    file /dev/null\n}")
	Must(t, a.Configure(after))
	Must(t, a.Reload())
	const line = "vrrp_instance VI_1: changed in place; priority: 150 -> 140"
	WaitLog(t, a, "Reload: "+line, 1)
	WaitLog(t, a, "Reload: track_file seen: added", 1)
	Wait(t, "status has the lines", func() bool {
		s, err := a.Status()
		return err == nil && s.LastReload != nil && slices.Contains(s.LastReload.Plan, line)
	})
	if n := Logged(a, enteringMaster); n != 1 {
		t.Errorf("a became master %d times, want once", n)
	}

	dir := t.TempDir()
	was, now := filepath.Join(dir, "was.conf"), filepath.Join(dir, "now.conf")
	Must(t, os.WriteFile(was, []byte(before), 0o600))
	Must(t, os.WriteFile(now, []byte(after), 0o600))
	diff := append(append([]string{}, Holdfast()...), "config", "diff", was, now)
	out, _ := exec.Command(diff[0], diff[1:]...).Output() // status 1: something changes
	if !strings.Contains(string(out), "priority: 150 -> 140") || !strings.Contains(string(out), "track_file seen: added") {
		t.Errorf("config diff says\n%s", out)
	}
}

// One instance changes among many: the others stay what they are, and nobody
// touches an address of theirs. Reloads that come faster than they are adopted,
// and an end in the midst of one, leave nothing behind.
func TestReloadOfOneAmongMany(t *testing.T) {
	const many, changes, second = 60, 7, "192.0.2.250"
	file := func(priority int, more ...string) string {
		var blocks []any
		for n := range many {
			i := Instance{Name: fmt.Sprint("VI_", n), VRID: n + 1, Priority: 150, Addresses: []string{fmt.Sprintf("192.0.2.%d/24", 100+n)}}
			if n == changes {
				i.Priority, i.Addresses = priority, append(i.Addresses, more...)
			}
			blocks = append(blocks, i)
		}
		return config(blocks...)
	}
	l := New(t)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), file(150))
	Wait(t, "all are masters", func() bool { return Logged(a, enteringMaster) == many })
	before := counters(t, a)

	touched, done := make(chan netlink.AddrUpdate, 1024), make(chan struct{})
	defer close(done)
	Must(t, a.Node.Do(func() error { return netlink.AddrSubscribe(touched, done) }))
	Must(t, a.Configure(file(160, second+"/24")))
	Must(t, a.Reload())
	Wait(t, "the new priority", func() bool {
		i := a.Instance(fmt.Sprint("VI_", changes))
		return i != nil && i.Priority == 160 && a.Node.Has(second)
	})
	Must(t, a.Configure(file(150)))
	Must(t, a.Reload())
	Wait(t, "the kernel says that it is gone", func() bool { // in order: all others would have come before
		for {
			select {
			case u := <-touched:
				if u.LinkAddress.IP.String() != second {
					t.Errorf("%v was touched", u.LinkAddress)
				}
				if !u.NewAddr {
					return true
				}
			default:
				return false
			}
		}
	})
	for name, c := range counters(t, a) {
		was := before[name]
		if c["become_master"] != 1 || c["release_master"] != 0 || c["pri_zero_sent"] != 0 || c["advert_sent"] < was["advert_sent"] {
			t.Errorf("%s: %v, before %v", name, c, was)
		}
	}
	if n := Logged(a, "Entering"); n != 2*many {
		t.Errorf("%d transitions, want those of the start: %d", n, 2*many)
	}

	for n := range 4 {
		Must(t, a.Configure(file(150+n, fmt.Sprintf("192.0.2.%d/24", 240+n))))
		Must(t, a.Reload())
	}
	Must(t, a.Stop())
	for n := range 4 {
		if s := fmt.Sprint("192.0.2.", 240+n); a.Node.Has(s) {
			t.Errorf("%s is left", s)
		}
	}
	for n := range many {
		if s := fmt.Sprint("192.0.2.", 100+n); a.Node.Has(s) {
			t.Errorf("%s is left", s)
		}
	}
}

// counters are those of all instances.
func counters(t *testing.T, d *lab.Daemon) map[string]map[string]uint64 {
	t.Helper()
	s, err := d.Status()
	Must(t, err)
	all := map[string]map[string]uint64{}
	for _, i := range s.Instances {
		all[i.Name] = i.Counters
	}
	return all
}
