package interop_test

import (
	"cmp"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// sameVMACs has every way to a VMAC beside another.
const sameVMACs = `global_defs {
    router_id test
    vmac_addr_prefix va
    GLOBAL
}
vrrp_instance four {
    interface eth0
    version 3
    advert_int 0.3
    virtual_router_id 51
    priority 150
    use_vmac
    no_accept
    virtual_ipaddress {
        192.0.2.100/24
        192.0.2.101
        198.51.100.100/24 dev eth1 use_vmac
        198.51.100.101/24 dev eth1
    }
}
vrrp_instance six {
    interface eth0
    advert_int 0.3
    virtual_router_id 51
    priority 150
    use_vmac
    no_accept
    virtual_ipaddress {
        fe80::100/64
        2001:db8::100/64
    }
}
vrrp_instance both {
    interface eth1
    version 3
    advert_int 0.3
    virtual_router_id 7
    priority 150
    use_vmac mine 02:00:00:01:02
    use_vmac_addr
    vmac_xmit_base
    virtual_ipaddress {
        198.51.100.110/24
        192.0.2.110/24 dev eth0
    }
    virtual_ipaddress_excluded {
        2001:db8:1::1/64
    }
}
vrrp_instance plain {
    interface eth1
    advert_int 0.3
    virtual_router_id 8
    priority 150
    no_accept
    virtual_ipaddress {
        fe80::200/64
        2001:db8:2::1/64
    }
}
`

// With the same configuration keepalived and holdfast have the same virtual
// interfaces with the same addresses and settings, and the same firewall.
func TestSameVMACs(t *testing.T) {
	keepalived := Keepalived(t)
	Program(t, "nft")
	for table, global := range map[string]string{"": "", "hf": "nftables hf\n    nftables_priority -7"} {
		t.Run("table "+table, func(t *testing.T) {
			l := New(t)
			config := strings.Replace(sameVMACs, "GLOBAL", global, 1)
			var seen []map[string]string
			for _, s := range []struct {
				name    string
				command []string
			}{{"keepalived", keepalived}, {"holdfast", Holdfast()}} {
				n := NodeWith(t, l, s.name, lab.Port{LAN: s.name + "0", Name: "eth0", Addresses: []string{"192.0.2.11/24"}},
					lab.Port{LAN: s.name + "1", Name: "eth1", Addresses: []string{"198.51.100.11/24"}})
				for dev, mac := range map[string]string{"eth0": "02:00:00:00:00:10", "eth1": "02:00:00:00:00:11"} {
					run(t, n, "ip", "link", "set", dev, "addrgenmode", "none")
					run(t, n, "ip", "-6", "addr", "flush", "dev", dev)
					run(t, n, "ip", "link", "set", dev, "address", mac)
					run(t, n, "ip", "addr", "add", "fe80::"+mac[len(mac)-2:]+"/64", "dev", dev, "nodad")
				}
				d := Start(t, n, s.command, config)
				for _, a := range []string{"192.0.2.101", "2001:db8::100", "198.51.100.101", "2001:db8:1::1", "192.0.2.110", "2001:db8:2::1"} {
					Wait(t, s.name+" has "+a, func() bool { return n.Has(a) })
				}
				seen = append(seen, vmacState(t, n, cmp.Or(table, "keepalived")))
				Must(t, d.Stop())
				if left := run(t, n, "ip", "-o", "link", "show", "type", "macvlan") + run(t, n, "nft", "list", "ruleset"); left != "" {
					t.Errorf("%s has left behind %s", s.name, left)
				}
			}
			for what, want := range seen[0] {
				if got := seen[1][what]; got != want {
					t.Errorf("%s of keepalived:\n%s\nof holdfast:\n%s", what, want, got)
				}
			}
		})
	}
}

var (
	// What a map leads to is shown as a name or as a number, depending on who
	// wrote the set's description.
	leadsTo = regexp.MustCompile(`(" : )("[a-z0-9]+"|[0-9]+)`)
	padding = regexp.MustCompile(`\s+`)
	times   = regexp.MustCompile(`valid_lft \S+ `)
)

// vmacState is what there is of virtual interfaces. arp_announce of those below
// is left out: keepalived lets them ask in the virtual address's name.
func vmacState(t *testing.T, n *lab.Node, table string) map[string]string {
	t.Helper()
	lines := func(text string) string {
		var out []string
		for line := range strings.Lines(text) {
			out = append(out, times.ReplaceAllString(padding.ReplaceAllString(strings.TrimSpace(line), " "), ""))
		}
		return strings.Join(out, "\n")
	}
	all := map[string]string{
		"firewall4": leadsTo.ReplaceAllString(run(t, n, "nft", "list", "table", "ip", table), "${1}X"),
		"firewall6": leadsTo.ReplaceAllString(run(t, n, "nft", "list", "table", "ip6", table), "${1}X"),
		"links":     lines(run(t, n, "ip", "-d", "-o", "link", "show", "type", "macvlan")),
		"addresses": lines(run(t, n, "ip", "-o", "addr", "show")),
		"igmp":      run(t, n, "sysctl", "net.ipv4.igmp_link_local_mcast_reports"),
	}
	for link := range strings.Lines(run(t, n, "ip", "-br", "link", "show")) {
		dev, _, _ := strings.Cut(strings.Fields(link)[0], "@")
		for _, family := range []string{"ipv4", "ipv6"} {
			all[family+" settings of "+dev] = run(t, n, "bash", "-c", "cd /proc/sys/net/"+family+"/conf/"+dev+
				" && grep -s . $(ls | grep -v -e stable_secret -e arp_announce)")
		}
	}
	return all
}

func run(t *testing.T, n *lab.Node, words ...string) string {
	t.Helper()
	out, err := n.Run(words[0], words[1:]...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
	return strings.TrimSpace(out)
}
