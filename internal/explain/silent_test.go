package explain

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/api"
)

func TestSilentProcessesAreNamed(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := api.Status{Children: []api.Child{
		{Name: "vrrp", PID: 43, State: "does not answer within 2s"},
		{Name: "checker", PID: 45, State: "starting", Started: now.Add(-200 * time.Millisecond), LastEnd: "ended: signal: killed"},
		{Name: "bfd", PID: 46, State: "serving", LastEnd: "ended: exit status 1"},
		{Name: "proxy", State: "waits for its restart"},
	}}
	want := []string{
		"The vrrp process (pid 43) does not answer within 2s: whether its virtual routers are master is not known.",
		"The checker process (pid 45) is starting for 0.2s (its predecessor ended: signal: killed): which real servers are in is not known.",
		"The proxy process waits for its restart: what traffic the proxy carries is not known.",
	}
	if got := Silent(&s, now); !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A router is not unknown while nobody can tell of it: what is recorded of it
// is shown.
func TestAboutWhileAProcessIsSilent(t *testing.T) {
	s := api.Status{Children: []api.Child{{Name: "vrrp", PID: 43, State: "does not answer within 2s"}}}
	sub, ok := About(&s, "web")
	if !ok {
		t.Fatal("it is said that there is none")
	}
	records := []api.Record{{Part: "vrrp", Object: "web"}, {Part: "vrrp", Object: "mail"}}
	if got := sub.Select(records); len(got) != 1 || got[0].Object != "web" {
		t.Errorf("records %+v", got)
	}
	s.Children[0].State = "serving"
	if _, ok := About(&s, "web"); ok {
		t.Error("all answer, and none has it")
	}
}
