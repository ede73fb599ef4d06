package conf

import (
	"fmt"
	"testing"
)

// As keepalived 2.2.7 has it: an instance's word counts more than that of
// global_defs, and a group's more than those of its members.
func TestNotifyPriorityChanges(t *testing.T) {
	const word = "notify_priority_changes "
	for _, c := range []struct {
		global, group, instance string
		want                    bool
	}{
		{"", "", "", false},
		{"", "", word, true},
		{"vrrp_" + word, "", "", true},
		{"vrrp_" + word, "", word + "off", false},
		{"", word, word + "off", true},
		{"vrrp_" + word, word + "off", word, false},
	} {
		cfg, _ := load(t, fmt.Sprintf(`global_defs {
%s
}
vrrp_sync_group G {
group {
A
}
%s
}
vrrp_instance A {
interface eth0
virtual_router_id 51
virtual_ipaddress {
10.0.0.1
}
%s
}
`, c.global, c.group, c.instance))
		if len(cfg.Instances) != 1 || cfg.Instances[0].NotifyPriority != c.want {
			t.Errorf("global %q, group %q, instance %q: want %v", c.global, c.group, c.instance, c.want)
		}
	}
}
