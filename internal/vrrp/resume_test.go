package vrrp

import (
	"testing"
	"time"
)

// Who was active until a moment ago goes on, if no backup can have taken over:
// that is before three intervals, whatever its priority.
func TestGoesOnWhereNobodyCanHaveNoticed(t *testing.T) {
	const on = "0 send 150; 0 MASTER: goes on: its process died and was replaced, the last advert was sent 2.999s ago; 0 announce 5"
	for name, c := range map[string]struct {
		held   []Held
		before []Event
		want   string
	}{
		"soon":            {[]Held{{0, at(7001 * time.Millisecond)}}, nil, on},
		"too late":        {[]Held{{0, at(7 * time.Second)}}, nil, "0 BACKUP: started"},
		"in the future":   {[]Held{{0, at(11 * time.Second)}}, nil, "0 BACKUP: started"},
		"not held":        {nil, nil, "0 BACKUP: started"},
		"another one was": {[]Held{{1, at(9 * time.Second)}}, nil, "0 BACKUP: started"},
	} {
		n := one(config(150))
		expect(t, name, n.Step(at(10*time.Second), Start{Held: c.held}), c.want)
	}
	c := config(150)
	c.Tracks = []TrackRef{{Name: "interface eth0"}}
	n := one(c)
	n.Step(at(10*time.Second), Track{Name: "interface eth0", Why: "no carrier"})
	expect(t, "it may not", n.Step(at(10*time.Second), Start{Held: []Held{{0, at(9 * time.Second)}}}),
		"0 FAULT: interface eth0 is down: no carrier")
	n = NewNode(pair(plain(150), plain(150)))
	n.Step(at(10*time.Second), Track{Name: "interface eth0", Up: true})
	n.Step(at(10*time.Second), Track{Name: "interface eth1", Up: true})
	expect(t, "only one member was", n.Step(at(10*time.Second), Start{Held: []Held{{0, at(9 * time.Second)}}}),
		"0 BACKUP: started; 1 BACKUP: group G: member VI_1 is in BACKUP; group 0 BACKUP: started")
}
