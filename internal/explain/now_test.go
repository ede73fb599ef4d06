package explain

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/api"
)

func TestReadinessAndWhy(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	in := func(ms float64) *float64 { return &ms }
	for name, c := range map[string]struct {
		v     api.Instance
		ready string
		why   string // in one of the lines
	}{
		"backup": {
			api.Instance{State: "BACKUP", Priority: 100, BasePriority: 100, Preempt: true, Master: "192.0.2.11", MasterPrio: 150, HeardMS: 400, DownMS: 3609, TakeoverMS: in(3209), Cause: "started"},
			"hears 192.0.2.11 (priority 150), last 0.4s ago; would take over after 3.6s of silence",
			"It is not master since 192.0.2.11 is, with priority 150, which is higher than ours, 100.",
		},
		"about to preempt": {
			api.Instance{State: "BACKUP", Priority: 150, BasePriority: 150, Preempt: true, Master: "192.0.2.12", MasterPrio: 100, HeardMS: 400, DownMS: 3414, TakeoverMS: in(1200)},
			"hears 192.0.2.12 (priority 100), last 0.4s ago, of lower priority than ours; takes over in 1.2s unless its priority rises",
			"ours is higher, 150.",
		},
		"nopreempt": {
			api.Instance{State: "BACKUP", Priority: 150, BasePriority: 150, Master: "192.0.2.12", MasterPrio: 100, HeardMS: 90, DownMS: 3414, TakeoverMS: in(3300)},
			"hears 192.0.2.12 (priority 100), last 90ms ago; would take over after 3.4s of silence",
			"nopreempt leaves a master in office",
		},
		"nobody there": {api.Instance{State: "BACKUP", TakeoverMS: in(2000)}, "hears nobody; takes over in 2.0s", "started"},
		"the group":    {api.Instance{State: "BACKUP", Waiting: true}, "would take over, but other members of its sync group are not ready to", ""},
		"fault": {
			api.Instance{State: "FAULT", Cause: "interface eth0 is down: no carrier", Tracks: map[string]string{"interface eth0": "down: no carrier", "script a": "up"}},
			"would not take over: interface eth0 is down: no carrier",
			"for 1m30s: interface eth0 is down: no carrier.\nIt would not take over.",
		},
		"fault by one of two": {
			api.Instance{State: "FAULT", Cause: "BFD session s went down: no diagnostic", Tracks: map[string]string{"bfd s": "down: no diagnostic", "script a": "down: exit status 1"}},
			"would not take over: BFD session s went down: no diagnostic",
			"Of what it tracks is not as it should be: script a (down: exit status 1).",
		},
		"in reverse": {
			api.Instance{State: "FAULT", Cause: "group G: member B is in FAULT", Tracks: map[string]string{"script a": "down: exit status 1", "script b": "up", "script c": "up"}, ReverseTracks: []string{"script a", "script b"}},
			"would not take over: group G: member B is in FAULT",
			"Of what it tracks is not as it should be: script b (up, tracked in reverse).",
		},
		"set over SNMP": {
			api.Instance{State: "BACKUP", Priority: 50, BasePriority: 60, Configured: &api.Configured{Priority: 100, Preempt: true}, Tracks: map[string]string{"script b": "down"}},
			"hears nobody",
			"Over SNMP it was given priority 60 in place of 100 and no preemption; the next reload takes that back.\nIts priority is 50, of 60: what it tracks",
		},
		"weights in reverse": {
			api.Instance{State: "INIT", Priority: 90, BasePriority: 150, Tracks: map[string]string{"script b": "up", "script c": "not known yet"}, ReverseTracks: []string{"script b"}},
			"would not take over: it has not begun to take part",
			"what it tracks makes the difference, script b (up, tracked in reverse), script c (not known yet).",
		},
		"master": {
			api.Instance{State: "MASTER", VRRPVersion: 3, AdvertMS: 100, Priority: 90, BasePriority: 150, Tracks: map[string]string{"script a": "down: exit status 1"},
				Split: &api.Split{With: "192.0.2.12", Priority: 80, Since: now.Add(-3 * time.Second)}},
			"if it died now, a backup would take over after 0.3s–0.4s of silence; stopped in an orderly way, within 0.1s",
			"TWO MASTERS: 192.0.2.12 advertises with priority 80 too, for 3.0s; ours is 90.",
		},
		"master that slept": {
			api.Instance{State: "MASTER", VRRPVersion: 3, AdvertMS: 1000, ListensMS: 400},
			"was asleep and listens; goes on in 0.4s unless another one has taken over",
			"It was asleep and listens; goes on in 0.4s unless another one has taken over.",
		},
		"disbelief": {
			api.Instance{State: "BACKUP", TakeoverMS: in(2000), Cause: "started", Refused: &api.Refused{From: "192.0.2.12", Why: "its clock is 1m0s behind ours", Times: 7, AgoMS: 300}},
			"hears nobody; takes over in 2.0s",
			"It does not believe the adverts of 192.0.2.12: its clock is 1m0s behind ours (7 refused so far, the last 0.3s ago).",
		},
		"master and disbelief": {
			api.Instance{State: "MASTER", VRRPVersion: 2, AdvertMS: 1000, Cause: "heard nobody for 3.4s", Refused: &api.Refused{From: "192.0.2.12", Why: "its password is wrong", Times: 7, AgoMS: 300}},
			"if it died now, a backup would take over after 3.0s–4.0s of silence; stopped in an orderly way, within 1.0s",
			"7 refused so far, the last 0.3s ago).\nIf 192.0.2.12 is its partner, both are master until the two agree.",
		},
		"master that hears nobody": {
			api.Instance{State: "MASTER", VRRPVersion: 2, AdvertMS: 1000, Cause: "heard nobody for 3.4s"},
			"if it died now, a backup would take over after 3.0s–4.0s of silence; stopped in an orderly way, within 1.0s",
			"No other master is heard; if there is one, its adverts do not get here: look for a packet filter",
		},
		"master of version 2": {api.Instance{State: "MASTER", VRRPVersion: 2, AdvertMS: 1000}, "if it died now, a backup would take over after 3.0s–4.0s of silence; stopped in an orderly way, within 1.0s", ""},
		"not begun":           {api.Instance{State: "INIT"}, "would not take over: it has not begun to take part", "nothing has happened yet"},
	} {
		c.v.Name, c.v.Since = "VI_1", now.Add(-90*time.Second)
		if name == "nobody there" {
			c.v.Cause = "started"
		}
		if got := Readiness(&c.v); got != c.ready {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.ready)
		}
		why := strings.Join(Why(&c.v, now), "\n")
		if last := why[strings.LastIndex(why, "\n")+1:]; !strings.EqualFold(last, c.ready+".") && c.v.State != "FAULT" && last != "It "+c.ready+"." {
			t.Errorf("%s: ends with %q", name, last)
		}
		if !strings.Contains(why, c.why) || !strings.HasPrefix(why, "VI_1 is "+c.v.State+" for 1m30s: ") {
			t.Errorf("%s:\n%s\nlacks: %s", name, why, c.why)
		}
	}
}
