package lint

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// says are the messages of a rule about texts, each one a node.
func says(id string, texts ...string) string {
	a := archive{Archive: &txtar.Archive{}}
	for i, text := range texts {
		a.Files = append(a.Files, txtar.File{Name: fmt.Sprintf("n%d.conf", i+1), Data: []byte(text)})
	}
	found, _ := speak(a, a.below(""))
	var out []string
	for _, d := range found {
		if d.ID == id {
			out = append(out, d.Message)
		}
	}
	return strings.Join(out, "\n")
}

const serviceText = `virtual_server_group g {
    192.0.2.100 80
}
virtual_server group g {
    delay_loop 6
    lb_algo wlc
    lb_kind DR
    protocol TCP
    persistence_timeout 60
    sorry_server 192.0.2.29 80
    quorum 1
    real_server 192.0.2.21 80 {
        PING_CHECK {
        }
    }
    real_server 192.0.2.22 80 {
        PING_CHECK {
        }
    }
}
`

func TestServicesThatDiffer(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"", "", ""},
		{"lb_algo wlc", "lb_algo rr", "has lb_algo rr instead of wlc"},
		{"lb_kind DR", "lb_kind TUN", "has lb_kind TUN instead of DR"},
		{"persistence_timeout 60", "persistence_timeout 90", "has persistence_timeout 90 s instead of 60 s"},
		{"quorum 1", "quorum 2", "has quorum 2 instead of 1"},
		{"    sorry_server 192.0.2.29 80\n", "", "has no sorry_server instead of sorry_server 192.0.2.29 80"},
		{"real_server 192.0.2.22 80", "real_server 192.0.2.23 80", "lacks real_server 192.0.2.22 80 weight 1 and also has real_server 192.0.2.23 80 weight 1"},
		{"192.0.2.100 80", "192.0.2.100-101 80", "lacks 192.0.2.100 80 and also has 192.0.2.100-192.0.2.101 80-80"},
		{"192.0.2.100 80", "192.0.2.100 80\n    fwmark 7", "also has fwmark 7"},
	} {
		got := says("HF167", serviceText, strings.Replace(serviceText, c.from, c.to, 1))
		want := c.want
		if want != "" {
			want = "virtual_server group g " + want + ", compared with n1.conf:4"
		}
		if got != want {
			t.Errorf("%s:\n%q, want\n%q", c.to, got, want)
		}
	}
	if got := says("HF167", serviceText, "") + says("HF167", "", serviceText); got != "" {
		t.Errorf("one of the nodes has no virtual servers: %q", got)
	}
	if got := says("HF167", serviceText, strings.ReplaceAll(serviceText, "g {", "h {")); got != "virtual_server group g is not in n2.conf\nvirtual_server group h is not in n1.conf" {
		t.Errorf("another name: %q", got)
	}
}

func TestIdleConnections(t *testing.T) {
	nat := strings.Replace(strings.Replace(serviceText, "lb_kind DR", "lb_kind NAT", 1), "virtual_server group g", "virtual_server 192.0.2.100 PORT", 1)
	for _, c := range []struct {
		port, global string
		want         bool
	}{
		{"5432", "", true},
		{"5432", "lvs_timeouts tcp 7300", false},
		{"443", "", false},
		{"443", "lvs_timeouts tcp 60", true},
	} {
		text := "global_defs {\n" + c.global + "\n}\n" + strings.Replace(nat, "PORT", c.port, 1)
		if got := says("HF126", text) != ""; got != c.want {
			t.Errorf("port %s, %q: %t", c.port, c.global, got)
		}
	}
}
