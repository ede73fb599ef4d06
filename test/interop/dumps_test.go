package interop_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// everyState has an instance in every state, and in each for another reason.
const everyState = `global_defs {
    router_id test
    script_user root
    enable_script_security
}
vrrp_script fails {
    script /usr/bin/false
    interval 1
    rise 1
    fall 1
}
vrrp_script weighs {
    script /usr/bin/true
    interval 1
    weight 7
}
track_file number {
    file FILE
    weight 2
}
vrrp_sync_group G {
    group {
        failing
        taken
    }
    track_interface {
        eth1
    }
}
vrrp_instance master {
    interface eth0
    version 3
    advert_int 0.3
    virtual_router_id 1
    priority 100
    use_vmac
    virtual_ipaddress {
        192.0.2.101/24
        192.0.2.111 label eth0:x
    }
    virtual_routes {
        203.0.113.0/24 metric 7 via 192.0.2.9 dev eth0
    }
    virtual_rules {
        preference 77 table 100 from 192.0.2.101
    }
    track_script {
        weighs
    }
    track_file {
        number weight 1
    }
}
vrrp_instance six {
    interface eth0
    advert_int 0.3
    virtual_router_id 2
    priority 100
    nopreempt
    no_accept
    virtual_ipaddress {
        fe80::102/64
        2001:db8::102/64
    }
}
vrrp_instance backup {
    interface eth0
    virtual_router_id 3
    advert_int 50
    authentication {
        auth_type PASS
        auth_pass ********
    }
    virtual_ipaddress {
        192.0.2.103/24
    }
}
vrrp_instance failing {
    interface eth0
    virtual_router_id 4
    virtual_ipaddress {
        192.0.2.104/24
    }
    track_script {
        fails
    }
}
vrrp_instance taken {
    interface eth1
    virtual_router_id 5
    unicast_src_ip 198.51.100.11
    unicast_peer {
        198.51.100.12
    }
    virtual_ipaddress {
        198.51.100.105/24
    }
}
vrrp_instance elsewhere {
    interface eth0
    virtual_router_id 6
    virtual_ipaddress {
        198.51.100.106/32 dev eth1
    }
    track_interface {
        eth1 weight 5
    }
}
`

// With the same configuration, data files, statistics and JSON of keepalived and
// holdfast say the same of instances in every state.
func TestSameDumps(t *testing.T) {
	keepalived := Keepalived(t)
	l := New(t)
	Must(t, os.WriteFile(l.Path("number"), []byte("5\n"), 0o600))
	config := strings.Replace(everyState, "FILE", l.Path("number"), 1)
	var seen []map[string]bool
	for _, s := range []struct {
		name    string
		command []string
	}{{"keepalived", keepalived}, {"holdfast", Holdfast()}} {
		n := NodeWith(t, l, s.name, lab.Port{LAN: s.name + "0", Name: "eth0", Addresses: []string{"192.0.2.11/24"}},
			lab.Port{LAN: s.name + "1", Name: "eth1", Addresses: []string{"198.51.100.11/24"}})
		for dev, end := range map[string]string{"eth0": "10", "eth1": "11"} {
			run(t, n, "ip", "link", "set", dev, "addrgenmode", "none")
			run(t, n, "ip", "-6", "addr", "flush", "dev", dev)
			run(t, n, "ip", "link", "set", dev, "address", "02:00:00:00:00:"+end)
			run(t, n, "ip", "addr", "add", "fe80::"+end+"/64", "dev", dev, "nodad")
		}
		dir := l.Path(s.name)
		Must(t, os.Mkdir(dir, 0o700))
		d := Start(t, n, append([]string{"env", "TMPDIR=" + dir}, s.command...), config)
		for _, a := range []string{"192.0.2.101", "2001:db8::102"} {
			Wait(t, s.name+" has "+a, func() bool { return n.Has(a) })
		}
		Must(t, n.SetLink("eth1", false))
		WaitLog(t, d, "VRRP_Group(G) Syncing instances to FAULT state", 1)
		WaitLog(t, d, "(elsewhere) Entering FAULT STATE", 1)
		seen = append(seen, dumped(t, d, dir))
		Must(t, d.Stop())
	}
	if len(seen[0]) < 400 {
		t.Errorf("keepalived says only %d lines", len(seen[0]))
	}
	for _, line := range difference(seen[0], seen[1]) {
		t.Errorf("only keepalived says %s", line)
	}
	for _, line := range difference(seen[1], seen[0]) {
		t.Errorf("only holdfast says %s", line)
	}
}

// dumped are the lines of all dumps, each after what it is about.
func dumped(t *testing.T, d *lab.Daemon, dir string) map[string]bool {
	t.Helper()
	get := func(s syscall.Signal, name, last string) (text string) {
		t.Helper()
		Must(t, d.Signal(s))
		Wait(t, name+" is written", func() bool {
			b, _ := os.ReadFile(filepath.Join(dir, name))
			text = string(b)
			return strings.Contains(text, last)
		})
		return text
	}
	seen := map[string]bool{}
	about := ""
	for line := range strings.Lines(get(syscall.SIGUSR1, "keepalived.data", " Name = vrrp.1\n") + get(syscall.SIGUSR2, "keepalived.stats", "Instance: elsewhere\n")) {
		line = strings.TrimRight(passing.ReplaceAllString(line, "$1"), "\n")
		switch {
		case headed.MatchString(line):
			about = line
		case strings.HasPrefix(about, "------< VRRP Sockpool"), private.MatchString(line), strings.TrimSpace(line) == "":
		default:
			seen[about+": "+line] = true
		}
	}
	var all []map[string]map[string]any
	if err := json.Unmarshal([]byte(get(36, "keepalived.json", `"elsewhere"`)), &all); err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		for part, values := range i {
			for k, v := range values {
				if !counted[k] {
					seen[fmt.Sprint("JSON of ", i["data"]["iname"], ": ", part, " ", k, " ", v)] = true
				}
			}
		}
	}
	return seen
}

var (
	// What a line is about.
	headed = regexp.MustCompile(`^(------<|VRRP Instance:| VRRP |  ?(Name|Track file|Packet Errors|Priority Zero|Authentication Errors|Advertisements)( =|:))`)
	// What is another one each time, and the address without the byte that the link has.
	passing = regexp.MustCompile(`((?:Last transition|Read timeout|Received|Sent): ?|(?:Last transition|Read timeout) = |(?:index|ifindex) =? ?)[0-9].*`)
	// What keepalived says of itself, or of what other versions have, and of a
	// master that nobody has heard.
	private = regexp.MustCompile(`fd_in|libnftnl|umask|unicast_src =|lvs_netlink_cmd|Seen up|state change running|debounce timer|NIC netlink|ARP config|Original |rp_filter|promote_secondaries counter|IPv6 forwarding|Master (router = ff02::12|priority = 0)$`)
	// JSON's own counts and times, and who was master last.
	counted = map[string]bool{"last_transition": true, "advert_rcvd": true, "advert_sent": true, "auth_ext_missing": true, "auth_ext_malformed": true,
		"auth_ext_unknown_key": true, "auth_ext_invalid_hmac": true, "auth_ext_stale": true, "auth_ext_replay": true}
)
