package conf

import (
	"fmt"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

const oneInstance = "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n virtual_ipaddress {\n 10.9.0.100\n }\n%s\n}\n"

// What keepalived 2.2.7 has of these in its dump.
func TestMinGARP(t *testing.T) {
	for text, want := range map[string]string{
		"vrrp_min_garp": "0s 1 0s 0 0s 1",
		"vrrp_min_garp\nvrrp_garp_master_delay 8":                                     "8s 1 0s 0 8s 1",
		"vrrp_garp_master_delay 8\nvrrp_min_garp":                                     "8s 1 0s 0 8s 1",
		"vrrp_garp_master_refresh 30\nvrrp_garp_lower_prio_delay 4\nvrrp_min_garp":    "0s 1 30s 0 4s 1",
		"vrrp_min_garp\nvrrp_garp_master_repeat 3\nvrrp_garp_lower_prio_repeat 2":     "0s 3 0s 0 0s 2",
		"vrrp_garp_master_repeat 7\nvrrp_min_garp false":                              "5s 7 0s 1 5s 7",
		"vrrp_garp_master_repeat 7\nvrrp_min_garp\nvrrp_garp_master_refresh_repeat 3": "0s 7 0s 3 0s 7",
	} {
		c, found := load(t, "global_defs {\n"+text+"\n}\n"+fmt.Sprintf(oneInstance, ""))
		if n := found.Count(diag.Error); n > 0 {
			t.Errorf("%q: %s", text, ids(found, diag.Error))
		}
		g := c.Instances[0].GARP
		got := fmt.Sprint(g.MasterDelay, g.MasterRepeat, g.Refresh, g.RefreshRepeat, g.LowerPrioDelay, g.LowerPrioRepeat)
		if got != want {
			t.Errorf("%q: %s, keepalived has %s", text, got, want)
		}
	}
}

func TestReverseIsTheScripts(t *testing.T) {
	const scripts = "global_defs {\n script_user root\n enable_script_security\n}\nvrrp_script s {\n script /bin/true\n weight -30 reverse\n}\n"
	for ref, want := range map[string]string{"s": "0 false", "s weight 5": "5 true", "s weight 5 noreverse": "5 false", "s weight 5 reverse": "5 true"} {
		c, _ := load(t, scripts+fmt.Sprintf(oneInstance, "track_script {\n"+ref+"\n}"))
		i := c.Instances[0].TrackScripts[0]
		if got := fmt.Sprint(i.Weight, i.Reverse); got != want {
			t.Errorf("%s: %s, keepalived has %s", ref, got, want)
		}
	}
}

func TestSkipCheckIsForAll(t *testing.T) {
	c, _ := load(t, "global_defs {\n vrrp_skip_check_adv_addr\n}\n"+fmt.Sprintf(oneInstance, "skip_check_adv_addr off"))
	if !c.Instances[0].SkipCheckAddr {
		t.Error("off undid the global setting")
	}
}
