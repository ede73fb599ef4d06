package lvs

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// Neighbouring addresses and ports are joined, whatever order they come in.
func TestTargets(t *testing.T) {
	keys := func(list ...string) (out []ServiceKey) {
		for _, s := range list {
			ap := netip.MustParseAddrPort(s)
			out = append(out, ServiceKey{Addr: ap.Addr(), Port: ap.Port(), Protocol: TCP})
		}
		return out
	}
	for _, c := range []struct {
		keys []ServiceKey
		want string
	}{
		{keys("10.0.0.1:80"), "10.0.0.1-10.0.0.1 80-80"},
		{keys("10.0.0.3:80", "10.0.0.1:80", "10.0.0.2:80"), "10.0.0.1-10.0.0.3 80-80"},
		{keys("10.0.0.1:80", "10.0.0.1:82", "10.0.0.1:81"), "10.0.0.1-10.0.0.1 80-82"},
		{keys("10.0.0.1:80", "10.0.0.1:81", "10.0.0.2:81", "10.0.0.2:80"), "10.0.0.1-10.0.0.2 80-81"},
		{keys("10.0.0.1:80", "10.0.0.2:81"), "10.0.0.1-10.0.0.1 80-80, 10.0.0.2-10.0.0.2 81-81"},
		{keys("10.0.0.1:80", "10.0.0.1:0"), "10.0.0.1-10.0.0.1 0-65535"},
		{keys("[2001:db8::1]:1", "10.0.0.9:1"), "10.0.0.9-10.0.0.9 1-1, 2001:db8::1-2001:db8::1 1-1"},
		{keys("10.0.0.1:65535", "10.0.0.2:65535", "10.0.0.1:1"), "10.0.0.1-10.0.0.1 1-1, 10.0.0.1-10.0.0.2 65535-65535"},
		{nil, ""},
	} {
		var have []string
		for _, g := range Targets(c.keys) {
			have = append(have, fmt.Sprintf("%v-%v %d-%d", g.From, g.To, g.Port, g.PortTo))
		}
		if got := strings.Join(have, ", "); got != c.want {
			t.Errorf("%v: %s, want %s", c.keys, got, c.want)
		}
	}
}
