package vrrp

import (
	"testing"
	"time"
)

// pair is a group of two routers that each track an interface of their own.
func pair(c1, c2 RouterConfig) Config {
	c1.Name, c1.VRID, c1.Tracks = "VI_1", 51, append(c1.Tracks, TrackRef{Name: "interface eth0"})
	c2.Name, c2.VRID, c2.Tracks = "VI_2", 52, append(c2.Tracks, TrackRef{Name: "interface eth1"})
	return Config{
		Routers: []RouterConfig{c1, c2},
		Groups:  []GroupConfig{{Name: "G", Members: []string{"VI_1", "VI_2"}}},
	}
}

// plain is a router without announcements, for shorter transcripts.
func plain(p Priority) RouterConfig {
	c := config(p)
	c.GARP = GARP{}
	return c
}

func startedPair(t *testing.T) *Node {
	t.Helper()
	n := NewNode(pair(plain(150), plain(150)))
	expect(t, "start", n.Step(0, Start{}), "")
	expect(t, "one member known", n.Step(0, Track{Name: "interface eth0", Up: true}), "")
	expect(t, "both known", n.Step(0, Track{Name: "interface eth1", Up: true}),
		"1 BACKUP: interface eth1 is up; 0 BACKUP: group G: member VI_2 is in BACKUP; group 0 BACKUP: interface eth1 is up")
	return n
}

func TestGroupChangesAsOne(t *testing.T) {
	n := startedPair(t)
	expect(t, "take over", n.Step(at(down150), Tick{}),
		"1 send 150; 1 MASTER: heard nobody for 3.414s; "+
			"0 send 150; 0 MASTER: group G: member VI_2 is in MASTER; group 0 MASTER: heard nobody for 3.414s")
	expect(t, "one member may not", n.Step(at(4*time.Second), Track{Name: "interface eth1", Why: "no carrier"}),
		"1 send 0; 1 FAULT: interface eth1 is down: no carrier; "+
			"0 send 0; 0 FAULT: group G: member VI_2 is in FAULT; group 0 FAULT: interface eth1 is down: no carrier")
	expect(t, "the other neither", n.Step(at(4*time.Second), Track{Name: "interface eth0", Why: "no carrier"}), "")
	expect(t, "one recovers", n.Step(at(5*time.Second), Track{Name: "interface eth1", Up: true}), "")
	expect(t, "both", n.Step(at(6*time.Second), Track{Name: "interface eth0", Up: true}),
		"0 BACKUP: interface eth0 is up; 1 BACKUP: group G: member VI_1 is in BACKUP; group 0 BACKUP: interface eth0 is up")
	if g := n.Group(0); g.State != Backup || len(g.Members) != 2 {
		t.Errorf("group %+v", g)
	}
}

func TestGroupYieldsAsOne(t *testing.T) {
	n := startedPair(t)
	n.Step(at(down150), Tick{})
	h := heard(200)
	h.Router = 1
	expect(t, "higher on the link that does not decide", n.Step(at(5*time.Second), h), "0 send 150")
	expect(t, "that once more", n.Step(at(5*time.Second), h), "0 send 150")
	expect(t, "and nothing on the other", n.Step(at(6*time.Second), h),
		"1 BACKUP: 192.0.2.2 has higher priority 200; 0 BACKUP: group G: member VI_2 is in BACKUP; "+
			"group 0 BACKUP: 192.0.2.2 has higher priority 200")
	expect(t, "stop", n.Step(at(7*time.Second), Stop{}),
		"0 INIT: operation ends; 1 INIT: operation ends; group 0 INIT: operation ends")
}

// A group takes over only when no member hears a better router: otherwise two
// nodes that each win one member would depose each other for ever.
func TestGroupWaitsForEveryMember(t *testing.T) {
	n := startedPair(t)
	h := heard(200)
	h.Router = 1
	for i := 1; i <= 9; i++ {
		want := map[bool]string{true: "1 tell hears master 192.0.2.2 of priority 200"}[i == 1]
		expect(t, "hears a better one on one link", n.Step(at(time.Duration(i)*time.Second), h), want)
		expect(t, "tick", n.Step(at(time.Duration(i)*time.Second), Tick{}), "")
	}
	end := 9*time.Second + down150
	deadline(t, n, end)
	expect(t, "silence on both", n.Step(at(end), Tick{}),
		"1 send 150; 1 MASTER: heard nobody for 3.414s; "+
			"0 send 150; 0 MASTER: group G: member VI_2 is in MASTER; group 0 MASTER: heard nobody for 3.414s")
}

func TestGroupTracks(t *testing.T) {
	c := pair(plain(100), plain(100))
	c.Routers[0].Tracks = []TrackRef{{Name: "script own", Weight: 50}}
	c.Routers[1].Tracks = nil
	c.Groups[0].Tracks = []TrackRef{{Name: "script all", Weight: 20}}
	n := NewNode(c)
	n.Step(0, Start{})
	expect(t, "a member's weight does not count in a group", n.Step(0, Track{Name: "script own", Up: true}), "")
	expect(t, "the group's counts for all", n.Step(0, Track{Name: "script all", Up: true}),
		"0 tell Changing effective priority from 100 to 120: script all succeeded; 1 tell Changing effective priority from 100 to 120: script all succeeded")
	c.Groups[0].TrackingWeight = true
	n = NewNode(c)
	n.Step(0, Start{})
	expect(t, "unless the group allows it", n.Step(0, Track{Name: "script own", Up: true}),
		"0 tell Changing effective priority from 100 to 150: script own succeeded")
}
