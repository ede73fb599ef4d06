package netns_test

import (
	"os"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/explain"
	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// Keys as tests know them again wherever they turn up.
const (
	firstKey  = "the-first-key-that-nobody-may-ever-see"
	secondKey = "the-second-key-that-nobody-may-ever-see"
)

// signing is an instance with an auth_hmac block of these lines.
func signing(priority int, lines ...string) string {
	return config(Instance{Priority: priority, Extra: "auth_hmac {\n        " + strings.Join(lines, "\n        ") + "\n    }"})
}

// A rotation of keys in the order of the manual, by reloads on both sides: no
// advert is refused, nobody changes state, and no key is anywhere to be seen.
func TestKeysAreRotated(t *testing.T) {
	l := New(t)
	file := l.Path("second.key")
	Must(t, os.WriteFile(file, []byte(secondKey+"\n"), 0o600))
	one, two := "key 1 "+firstKey, "key 2 file:"+file
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), signing(150, one))
	WaitMaster(t, Virtual, a)
	b := Start(t, Node(t, l, "b", "192.0.2.12/24"), Holdfast(), signing(100, one))
	hears := func(n uint64) {
		t.Helper()
		var before uint64
		if i := b.Instance("VI_1"); i != nil {
			before = i.Counters["advert_rcvd"]
		}
		Wait(t, "b believes a", func() bool {
			i := b.Instance("VI_1")
			return i != nil && i.Counters["advert_rcvd"] >= before+n
		})
	}
	hears(3)
	reloads := 0
	for _, step := range [][]string{{one, two, "active_key 1"}, {one, two, "active_key 2"}, {two}} {
		reloads++
		for _, d := range []*lab.Daemon{b, a} {
			Must(t, d.Configure(signing(map[*lab.Daemon]int{a: 150, b: 100}[d], step...)))
			Must(t, d.Reload())
			WaitLog(t, d, "Configuration reloaded", reloads)
			hears(2)
		}
	}
	WaitMaster(t, Virtual, a, b)
	for d, masters := range map[*lab.Daemon]uint64{a: 1, b: 0} {
		i := d.Instance("VI_1")
		if i == nil || i.Refused != nil || i.Counters["become_master"] != masters {
			t.Errorf("%s: %+v", d.Name, i)
		}
		dump, err := d.Node.Run(Holdfast()[0], "config", "dump", d.ConfigFile())
		Must(t, err)
		ps, err := d.Node.Run("ps", "axww")
		Must(t, err)
		for what, text := range map[string]string{"log": d.Log(), "dump": dump, "ps": ps, "recorder": remembered(t, d)} {
			if strings.Contains(text, "that-nobody-may") {
				t.Errorf("a key is in the %s of %s:\n%s", what, d.Name, text)
			}
		}
		if !strings.Contains(dump, "key 2 ") {
			t.Errorf("the dump says nothing of key 2:\n%s", dump)
		}
	}
}

// Keys that differ are explained, on both sides.
func TestDifferentKeysAreExplained(t *testing.T) {
	l := New(t)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), signing(150, "key 1 "+firstKey))
	b := Start(t, Node(t, l, "b", "192.0.2.12/24"), Holdfast(), signing(100, "key 1 "+secondKey))
	Wait(t, "both have the address", func() bool { return a.Node.Has(Virtual) && b.Node.Has(Virtual) })
	var i *api.Instance
	Wait(t, "b says why", func() bool { i = b.Instance("VI_1"); return i != nil && i.Refused != nil })
	said := strings.Join(explain.Why(i, i.Since), "\n")
	if !strings.Contains(said, "It does not believe the adverts of 192.0.2.11: its HMAC does not hold: its key 1 is another than ours") {
		t.Error(said)
	}
	WaitLog(t, a, "ignoring advert from 192.0.2.12: its HMAC does not hold", 1)
}
