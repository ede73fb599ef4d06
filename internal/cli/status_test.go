package cli

import (
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/api"
)

// What a person reads; the times are left out, for they pass.
func TestStatusForAPerson(t *testing.T) {
	var b strings.Builder
	printStatus(&b, api.Status{
		Holdfast: "1.0", PID: 42, ConfigFile: "/etc/keepalived/keepalived.conf", ConfigID: "lb1",
		Reload:   &api.ReloadFail{Why: "it brings 1 new problem: k.conf:3:5: unknown keyword"},
		Problems: []api.Problem{{Severity: "error", File: "k.conf", Line: 3, Column: 5, Message: "unknown keyword"}, {Severity: "notice"}},
		Children: []api.Child{{Name: "vrrp", PID: 43, State: "serving", Restarts: 1, LastEnd: "signal: killed"}},
		Instances: []api.Instance{
			{Name: "VI_1", State: "MASTER", Interface: "eth0", VRID: 51, Priority: 150, BasePriority: 150, Cause: "heard nobody",
				Split: &api.Split{With: "192.0.2.13", Priority: 90}},
			{Name: "VI_2", State: "BACKUP", Interface: "eth1", VRID: 52, Priority: 70, BasePriority: 150,
				Refused: &api.Refused{From: "192.0.2.14", Why: "its password is wrong", Times: 4, AgoMS: 300},
				Master:  "192.0.2.12", MasterPrio: 100, Readiness: "hears it; would take over after 3.6s of silence", Tracks: map[string]string{"script b": "up", "script a": "down: exit status 1"}},
		},
		Groups:   []api.Group{{Name: "both", State: "MASTER", Members: []string{"VI_1", "VI_2"}}},
		Director: "proxy", DirectorRefuses: "add [10.0.0.22]:tcp:80: out of range",
		Services: []api.Service{{
			Name: "[192.0.2.1]:tcp:80", Scheduler: "rr", Forward: "NAT", Quorum: 1, Sorry: "[192.0.2.9]:tcp:80", SorryInUse: true,
			Servers: []api.Server{{Name: "[10.0.0.1]:tcp:80", Weight: 1, Cause: "refused"}, {Name: "[10.0.0.22]:tcp:80", Up: true, Weight: 10}},
		}},
	})
	const want = `holdfast 1.0, pid 42, up -
/etc/keepalived/keepalived.conf, loaded - ago, config id lb1
RELOAD REFUSED - ago, the configuration before it runs: it brings 1 new problem: k.conf:3:5: unknown keyword
error: k.conf:3:5: unknown keyword

PROCESS  PID  STATE    UP  RESTARTS  LAST END
vrrp     43   serving  -   1         signal: killed

INSTANCE  STATE   FOR  INTERFACE  VRID  PRIORITY       MASTER            CAUSE
VI_1      MASTER  -    eth0       51    150            this one          heard nobody
VI_2      BACKUP  -    eth1       52    70 (base 150)  192.0.2.12 (100)  -
TWO MASTERS: VI_1 is master here with priority 150, and 192.0.2.13 is with priority 90, for -
REFUSED: VI_2 does not believe the adverts of 192.0.2.14: its password is wrong (4 refused so far, the last 0.3s ago)

INSTANCE  IF THE MASTER FAILED NOW
VI_2      hears it; would take over after 3.6s of silence

INSTANCE  TRACKS    STATE
VI_2      script a  down: exit status 1
VI_2      script b  up

GROUP  STATE   MEMBERS
both   MASTER  VI_1 VI_2
NOT TAKEN by proxy, so servers that are in may get nothing: add [10.0.0.22]:tcp:80: out of range

[192.0.2.1]:tcp:80 rr NAT by proxy: 1 of 2 servers in, NO QUORUM, sorry server [192.0.2.9]:tcp:80 in use
  [10.0.0.1]:tcp:80   out  weight 1   for -  refused
  [10.0.0.22]:tcp:80  in   weight 10  for -  -
`
	if got := b.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
