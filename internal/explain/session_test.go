package explain

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/api"
)

// cluster is a router that lost a BFD session and half its processes, and a
// server that follows the same session.
func cluster(now time.Time) *api.Status {
	const expired = "control detection time expired after 300ms, exceeded by 412µs: nothing is heard from 192.0.2.12"
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	return &api.Status{
		Instances: []api.Instance{
			{
				Name: "VI_1", Interface: "eth0", State: "FAULT", Since: ago(4200 * time.Millisecond), Priority: 130, BasePriority: 150,
				Cause: "BFD session four went down: " + expired,
				Tracks: map[string]string{
					"interface eth0": "up", "bfd four": "down: " + expired, "process web": "down: one process nginx runs, 2 wanted",
				},
			},
			{Name: "VI_2", Interface: "eth1", State: "INIT"},
		},
		Services: []api.Service{{Name: "[192.0.2.1]:tcp:80", Quorum: 1, Servers: []api.Server{{
			Name: "[192.0.2.12]:tcp:80", State: "out", Since: ago(4 * time.Second), Cause: "BFD_CHECK: session four is down: " + expired,
			Checks: []api.Check{{Kind: "BFD_CHECK", Follows: "four"}},
		}}}},
		BFD: []api.BFDSession{
			{Name: "four", Neighbour: "192.0.2.12", State: "Down", RemoteState: "Down", Cause: expired, Since: ago(4200 * time.Millisecond), TxMS: 1000},
			{Name: "six", Neighbour: "2001:db8::12", State: "Up", RemoteState: "Up", RemoteDiag: "no diagnostic", RemoteDiscriminator: 7, Since: ago(time.Hour), TxMS: 100, DetectMS: 300},
			{Name: "back", Neighbour: "192.0.2.13", State: "Down", Passive: true, Since: ago(time.Second), Cause: "nothing is heard from 192.0.2.13"},
			{Name: "half", Neighbour: "192.0.2.14", State: "Init", RemoteState: "Down", RemoteDiag: "control detection time expired", RemoteDiscriminator: 9, Since: ago(time.Second), TxMS: 1000, DetectMS: 3000},
		},
	}
}

// What is said of BFD sessions and of tracked processes, and of whom.
func TestSessionsAndProcessesAreCauses(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	records := []api.Record{
		{Part: "parent", Object: "bfd", What: "BFD child process died"},
		{Part: "parent", Object: "checker", What: "checker child process died"},
		{Part: "bfd", What: "serving 4 BFD sessions"},
		{Part: "bfd", Object: "six", What: "(six) Entering Up state"},
		{Part: "bfd", Object: "four", What: "(four) Entering Down state"},
		{Part: "vrrp", Object: "four", What: "Tracked BFD instance four is DOWN"},
		{Part: "vrrp", Object: "web", What: "Quorum lost for tracked process web"},
		{Part: "vrrp", Object: "VI_1", What: "(VI_1) Entering FAULT STATE"},
		{Part: "vrrp", Object: "VI_2", What: "(VI_2) Entering BACKUP STATE"},
		{Part: "check", Object: "[192.0.2.12]:tcp:80", What: "Removing service"},
	}
	const (
		router = `VI_1 is FAULT for 4.2s: BFD session four went down: control detection time expired after 300ms, exceeded by 412µs: nothing is heard from 192.0.2.12.
Its priority is 130, of 150 as configured: what it tracks makes the difference, process web (down: one process nginx runs, 2 wanted).
It would not take over.
`
		service = `[192.0.2.1]:tcp:80 has 0 of 1 server in; NO QUORUM (1 wanted).
[192.0.2.12]:tcp:80 is OUT for 4.0s: BFD_CHECK: session four is down: control detection time expired after 300ms, exceeded by 412µs: nothing is heard from 192.0.2.12.
`
		four = `BFD session four to 192.0.2.12 is Down for 4.2s: control detection time expired after 300ms, exceeded by 412µs: nothing is heard from 192.0.2.12.
It sends every 1.0s; 192.0.2.12 is not heard.
It is followed by VI_1 (down: control detection time expired after 300ms, exceeded by 412µs: nothing is heard from 192.0.2.12), [192.0.2.12]:tcp:80.
`
	)
	for name, want := range map[string]string{
		"VI_1":                "BFD child process died|(four) Entering Down state|Tracked BFD instance four is DOWN|Quorum lost for tracked process web|(VI_1) Entering FAULT STATE\n" + router + four,
		"web":                 "Quorum lost for tracked process web|(VI_1) Entering FAULT STATE\n" + router,
		"four":                "BFD child process died|(four) Entering Down state|Tracked BFD instance four is DOWN|(VI_1) Entering FAULT STATE\n" + router + four,
		"process web":         "Quorum lost for tracked process web|(VI_1) Entering FAULT STATE\n" + router,
		"[192.0.2.12]:tcp:80": "BFD child process died|checker child process died|(four) Entering Down state|Removing service\n" + service + four,
		"six": `BFD child process died|(six) Entering Up state
BFD session six to 2001:db8::12 is Up for 1h0m0s: 2001:db8::12 answers.
It sends every 0.1s; 2001:db8::12 says that it is Up (no diagnostic), and if it were silent for 0.3s the session would go down.
Nobody follows it.
`,
		"back": `BFD child process died
BFD session back to 192.0.2.13 is Down for 1.0s: nothing is heard from 192.0.2.13.
It is passive: it sends nothing until 192.0.2.13 does, which is not heard.
Nobody follows it.
`,
		"half": `BFD child process died
BFD session half to 192.0.2.14 is Init for 1.0s: it has not come up yet.
It sends every 1.0s; 192.0.2.14 says that it is Down (control detection time expired), and if it were silent for 3.0s the session would go down.
Nobody follows it.
`,
	} {
		sub, ok := About(cluster(now), name)
		if !ok {
			t.Errorf("there is no %s", name)
			continue
		}
		var about []string
		for _, r := range sub.Select(records) {
			about = append(about, r.What)
		}
		got := strings.Join(about, "|") + "\n"
		s := cluster(now)
		for _, p := range sub.Why(s, now) {
			got += strings.Join(p.Lines, "\n") + "\n"
		}
		if got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
		}
		sub.Trim(s)
		if n := len(s.Instances) + len(s.Services) + len(s.BFD); n != len(sub.Why(s, now)) {
			t.Errorf("%s: %d objects are left of its status", name, n)
		}
	}
	if sub, ok := About(cluster(now), "nobody"); ok {
		t.Errorf("nobody was found: %+v", sub)
	}
	if sub, _ := About(cluster(now), ""); fmt.Sprint(sub.Sessions) != "[four six back half]" || len(sub.Why(cluster(now), now)) != 7 {
		t.Errorf("all has the sessions %v", sub.Sessions)
	}
}
