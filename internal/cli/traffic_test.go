package cli

import (
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/api"
)

func TestServiceOfIPVSHasTheConnectionsOfItsServers(t *testing.T) {
	v := api.Service{Name: "[192.0.2.1]:tcp:80", Traffic: &api.Traffic{Connections: 12, InBytes: 999, OutBytes: 1_234_567},
		Servers: []api.Server{{Name: "a", Traffic: &api.Traffic{Active: 2, Inactive: 1}}, {Name: "b", Traffic: &api.Traffic{Active: 3}}}}
	var out strings.Builder
	printService(&out, "ipvs", &v)
	if want := "  traffic: 5 now, 12 in all, 999 B in, 1.23 MB out, 1 ended and remembered\n"; !strings.Contains(out.String(), want) {
		t.Errorf("got %s, want %q in it", out.String(), want)
	}
}

func TestAmount(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 B", 999: "999 B", 1000: "1 kB", 999_499: "999 kB", 999_600: "1 MB", 1 << 63: "9.22 EB"} {
		if got := amount(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
