package explain

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/api"
)

func TestTimeline(t *testing.T) {
	begin := time.Date(2026, 11, 21, 23, 59, 59, 900e6, time.UTC)
	var records []api.Record
	for _, r := range []struct {
		after       time.Duration
		level, what string
	}{
		{0, "info", "Starting"},
		{400 * time.Microsecond, "info", "(VI_1) Entering BACKUP STATE: started"},
		{3609 * time.Millisecond, "warning", "(VI_1) TWO MASTERS"},
		{2 * time.Hour, "error", "VRRP child process died"},
	} {
		records = append(records, api.Record{At: begin.Add(r.after), Elapsed: 5e9 + int64(r.after), Level: r.level, What: r.what})
	}
	const want = `Saturday, 21 November 2026
23:59:59.900               Starting
23:59:59.900               (VI_1) Entering BACKUP STATE: started
Sunday, 22 November 2026
00:00:03.509   +3.609s  !  (VI_1) TWO MASTERS
01:59:59.900 +1h59m56s  !! VRRP child process died`
	if got := strings.Join(Timeline(records), "\n"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// What is said of a subject: its own records, those of what it depends on, and
// those of the processes that it lives in.
func TestAbout(t *testing.T) {
	s := api.Status{
		Instances: []api.Instance{
			{Name: "VI_1", Interface: "eth0", Tracks: map[string]string{"interface eth0": "up", "script chk": "up"}},
			{Name: "VI_2", Interface: "eth1"}, {Name: "VI_3", Interface: "eth2"},
		},
		Groups:   []api.Group{{Name: "G", Members: []string{"VI_1", "VI_2"}}},
		Services: []api.Service{{Name: "[192.0.2.1]:tcp:80", Servers: []api.Server{{Name: "[10.0.0.1]:tcp:80"}, {Name: "[10.0.0.2]:tcp:80"}}}},
	}
	records := []api.Record{
		{Part: "parent", What: "reload"},
		{Part: "parent", Object: "vrrp", What: "vrrp died"},
		{Part: "parent", Object: "checker", What: "checker died"},
		{Part: "vrrp", What: "vrrp reloaded"},
		{Part: "vrrp", Object: "VI_1", What: "1"},
		{Part: "vrrp", Object: "VI_2", What: "2"},
		{Part: "vrrp", Object: "G", What: "group"},
		{Part: "vrrp", Object: "chk", What: "script"},
		{Part: "vrrp", Object: "eth0", What: "link"},
		{Part: "vrrp", Object: "VI_3", What: "3"},
		{Part: "check", Object: "[10.0.0.1]:tcp:80", What: "server"},
		{Part: "check", Object: "[10.0.0.2]:tcp:80", What: "Removing [10.0.0.2]:tcp:80 from [192.0.2.1]:tcp:80"},
	}
	for name, want := range map[string]string{
		"":                   "reload|vrrp died|checker died|vrrp reloaded|1|2|group|script|link|3|server|Removing [10.0.0.2]:tcp:80 from [192.0.2.1]:tcp:80",
		"VI_1":               "reload|vrrp died|vrrp reloaded|1|group|script|link",
		"VI_3":               "reload|vrrp died|vrrp reloaded|3",
		"G":                  "reload|vrrp died|vrrp reloaded|1|2|group|script|link",
		"[192.0.2.1]:tcp:80": "reload|checker died|server|Removing [10.0.0.2]:tcp:80 from [192.0.2.1]:tcp:80",
		"[10.0.0.1]:tcp:80":  "reload|checker died|server",
		"192.0.2.1":          "reload|checker died|server|Removing [10.0.0.2]:tcp:80 from [192.0.2.1]:tcp:80",
		"10.0.0.1:80":        "reload|checker died|server",
		"10.0.0.2":           "reload|checker died|Removing [10.0.0.2]:tcp:80 from [192.0.2.1]:tcp:80",
	} {
		sub, ok := About(&s, name)
		var got []string
		for _, r := range sub.Select(records) {
			got = append(got, r.What)
		}
		if !ok || strings.Join(got, "|") != want {
			t.Errorf("%s: %v\n got %s\nwant %s", name, ok, strings.Join(got, "|"), want)
		}
	}
	if sub, _ := About(&s, "G"); !slices.Equal(sub.Instances, []string{"VI_1", "VI_2"}) {
		t.Errorf("G has the instances %q", sub.Instances)
	}
	for _, name := range []string{"VI_9", "192.0.2.2", "10.0.0.1:81"} {
		if _, ok := About(&s, name); ok {
			t.Errorf("%s was found", name)
		}
	}
}
