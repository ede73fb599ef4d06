package print

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

const origins = `global_defs {
    vrrp_garp_master_delay 7
}
$RS=10.0.0.1
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {
        192.0.2.1/24
    }
    authentication {
        auth_type PASS
        auth_pass secret
    }
}
virtual_server 192.0.2.1 80 {
    connect_timeout 2
    lvs_sched rr
    lb_kind NAT
    protocol TCP
    real_server ${RS} 80 {
        HTTP_GET {
            url {
                path /a
            }
            url {
                path /b
            }
        }
    }
}
`

// Every value says where it came from: here, from a block around, from
// global_defs, or by default.
func TestWhereValuesComeFrom(t *testing.T) {
	c, _ := load(origins)
	var got any
	if err := json.Unmarshal(JSON(Tree(c), NewOrigins(one(origins), "k.conf", conf.Options{}), false), &got); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"vrrp_instance.0.from":                                           "k.conf:5",
		"vrrp_instance.0.interface.from":                                 "k.conf:6",
		"vrrp_instance.0.priority.from":                                  "default",
		"vrrp_instance.0.garp_master_delay.from":                         "k.conf:2",
		"vrrp_instance.0.garp_lower_prio_delay.from":                     "default",
		"vrrp_instance.0.virtual_ipaddress.0.from":                       "k.conf:9",
		"vrrp_instance.0.authentication.auth_pass.from":                  "k.conf:13",
		"vrrp_instance.0.authentication.auth_pass.value":                 Mask,
		"virtual_server.0.lb_algo.from":                                  "k.conf:18",
		"virtual_server.0.real_server.0.from":                            "k.conf:4",
		"virtual_server.0.real_server.0.weight.from":                     "default",
		"virtual_server.0.real_server.0.HTTP_GET.0.url.1.path.from":      "k.conf:27",
		"virtual_server.0.real_server.0.HTTP_GET.0.connect_timeout.from": "k.conf:17",
		"virtual_server.0.real_server.0.HTTP_GET.0.retry.from":           "default",
		"global_defs.vrrp_version.from":                                  "default",
	} {
		if v := at(got, strings.Split(path, ".")); v != want {
			t.Errorf("%s: %v, want %s", path, v, want)
		}
	}
}

// at follows a path of names and indexes.
func at(v any, path []string) any {
	for _, p := range path {
		switch x := v.(type) {
		case map[string]any:
			v = x[p]
		case []any:
			i := int(p[0] - '0')
			if i >= len(x) {
				return nil
			}
			v = x[i]
		}
	}
	return v
}
