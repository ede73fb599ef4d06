package explain

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/api"
)

func TestWhyService(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	since := now.Add(-2 * time.Minute)
	v := api.Service{Name: "[192.0.2.1]:tcp:80", Quorum: 2, HasQuorum: true, Servers: []api.Server{
		{Name: "[10.0.0.1]:tcp:80", Up: true, Weight: 3, Since: since, Cause: "TCP_CHECK connected"},
		{Name: "[10.0.0.2]:tcp:80", Since: since, Cause: "TCP_CHECK connection refused"},
	}}
	for _, c := range []struct{ only, want string }{
		{"", `[192.0.2.1]:tcp:80 has 1 of 2 servers in; it has its quorum, a weight of 2.
[10.0.0.2]:tcp:80 is OUT for 2m0s: TCP_CHECK connection refused.
[10.0.0.1]:tcp:80 is in for 2m0s with weight 3: TCP_CHECK connected.`},
		{"[10.0.0.1]:tcp:80", `[192.0.2.1]:tcp:80 has 1 of 2 servers in; it has its quorum, a weight of 2.
[10.0.0.1]:tcp:80 is in for 2m0s with weight 3: TCP_CHECK connected.`},
	} {
		if got := strings.Join(WhyService(&v, func(name string) bool { return c.only == "" || name == c.only }, now), "\n"); got != c.want {
			t.Errorf("only %q:\n%s\nwant:\n%s", c.only, got, c.want)
		}
	}
	v.HasQuorum, v.SorryInUse, v.Sorry = false, true, "[10.0.0.9]:tcp:80"
	if got := WhyService(&v, everyone, now)[0]; !strings.Contains(got, "NO QUORUM (2 wanted), so clients get the sorry server [10.0.0.9]:tcp:80.") {
		t.Error(got)
	}
	for i := range 2 * maxServers {
		v.Servers = append(v.Servers, api.Server{Name: fmt.Sprint(i), Up: true})
	}
	if got := WhyService(&v, everyone, now); len(got) != maxServers+2 || got[maxServers+1] != "And 22 more." {
		t.Errorf("%d lines, the last %q", len(got), got[len(got)-1])
	}
}

// A server that is well and drained, say, is not in.
func TestInUse(t *testing.T) {
	v := &api.Service{}
	for _, state := range []string{"in", "starts slowly", "held in", "in by panic", "out", "draining", "drained", "disabled", "standby", "inhibited"} {
		v.Servers = append(v.Servers, api.Server{State: state, Up: state != "out" && state != "in by panic"})
	}
	v.Servers = append(v.Servers, api.Server{Up: true}, api.Server{})
	if got := InUse(v); got != 5 {
		t.Errorf("%d are in, want 5", got)
	}
}

func everyone(string) bool { return true }

func TestUsersOfAProbe(t *testing.T) {
	p := &api.SharedProbe{}
	for i := range 3 {
		p.Users = append(p.Users, api.ProbeUser{Service: fmt.Sprintf("v%d", i), Server: "a"})
	}
	if got, want := Users(p), "a of VS v0, v1, v2"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for i := range 8 {
		p.Users = append(p.Users, api.ProbeUser{Service: fmt.Sprintf("w%d", i), Server: "b"})
	}
	if got, want := Users(p), "a of VS v0, v1, v2, b of VS w0, w1, w2, w3, w4 and 3 more"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
