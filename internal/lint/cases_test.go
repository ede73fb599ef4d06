package lint

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// router writes an instance with two lines of its own choice in it.
func router(name string, vrid, priority int, vip, more string) string {
	return fmt.Sprintf("vrrp_instance %s {\n interface eth0\n virtual_router_id %d\n priority %d\n virtual_ipaddress {\n  %s\n }\n%s\n}\n", name, vrid, priority, vip, more)
}

const keyA, keyB = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

func hmacOf(lines string) string { return " auth_hmac {\n" + lines + "\n }" }

func scripts(weights string) string { return " track_script {\n" + weights + "\n }" }

const twoScripts = "vrrp_script x {\n script /bin/true\n}\nvrrp_script y {\n script /bin/true\n}\n"

// ids are the rules that speak about texts, each one a node.
func ids(texts ...string) []string {
	a := archive{Archive: &txtar.Archive{}}
	for i, text := range texts {
		a.Files = append(a.Files, txtar.File{Name: fmt.Sprintf("n%d.conf", i+1), Data: []byte(text)})
	}
	found, _ := speak(a, a.below(""))
	var out []string
	for _, d := range found {
		out = append(out, d.ID)
	}
	return out
}

func TestCases(t *testing.T) {
	const v = "192.0.2.100/24"
	group := "vrrp_sync_group G {\n group {\n  a\n  b\n }\n%s}\n"
	for name, c := range map[string]struct {
		nodes []string
		want  []string
	}{
		"a bonus at the top matters beside a penalty": {
			nodes: []string{twoScripts + router("a", 1, 254, v, scripts("  x weight 10\n  y weight -20"))},
		},
		"two bonuses at the top do not": {
			nodes: []string{twoScripts + router("a", 1, 254, v, scripts("  x weight 10\n  y weight 20"))},
			want:  []string{"HF102", "HF102"},
		},
		"what a group tracks counts for its members": {
			nodes: []string{
				twoScripts + fmt.Sprintf(group, " sync_group_tracking_weight\n"+scripts("  x weight -20\n  y weight -20")+"\n") +
					router("a", 1, 150, v, "") + router("b", 2, 150, "192.0.2.101", ""),
				fmt.Sprintf(group, "") + router("a", 1, 100, v, "") + router("b", 2, 100, "192.0.2.101", ""),
			},
			want: []string{"HF164", "HF164"},
		},
		"a number in a file may outweigh anything": {
			nodes: []string{
				"track_file f {\n file /run/f\n}\n" + twoScripts + router("a", 1, 150, v, scripts("  x weight -20")+"\n track_file {\n  f\n }"),
				router("b", 1, 100, v, ""),
			},
		},
		"swapped numbers": {
			nodes: []string{
				router("a", 1, 150, v, "") + router("b", 2, 150, "192.0.2.101", ""),
				router("a", 2, 100, v, "") + router("b", 1, 100, "192.0.2.101", ""),
			},
			want: []string{"HF152", "HF153", "HF152", "HF153"},
		},
		"three nodes, one odd": {
			nodes: []string{router("a", 1, 150, v, ""), router("b", 1, 100, v, ""), router("c", 1, 50, v, " advert_int 2")},
			want:  []string{"HF155"},
		},
		"checksums of other kinds": {
			nodes: []string{router("a", 1, 150, v, "version 3"), router("b", 1, 100, v, "version 3\nv3_checksum_as_v2")},
			want:  []string{"HF154"},
		},
		"a rotation under way": {
			nodes: []string{router("a", 1, 150, v, hmacOf("key 1 "+keyA+"\nkey 2 "+keyB+"\nactive_key 2")), router("b", 1, 100, v, hmacOf("key 1 "+keyA+"\nkey 2 "+keyB+"\nactive_key 1"))},
		},
		"a rotation begun at the wrong end": {
			nodes: []string{router("a", 1, 150, v, hmacOf("key 1 "+keyA+"\nkey 2 "+keyB+"\nactive_key 2")), router("b", 1, 100, v, hmacOf("key 1 "+keyA))},
			want:  []string{"HF156"},
		},
		"other keys of the same number": {
			nodes: []string{router("a", 1, 150, v, hmacOf("key 1 "+keyA)), router("b", 1, 100, v, hmacOf("key 1 "+keyB))},
			want:  []string{"HF156"},
		},
		"signed, and not": {
			nodes: []string{router("a", 1, 150, v, hmacOf("key 1 "+keyA+"\nmode permissive")), router("b", 1, 100, v, "")},
			want:  []string{"HF156"},
		},
		"the first step of an introduction": {
			nodes: []string{router("a", 1, 150, v, hmacOf("key 1 "+keyA+"\nmode receive-only")), router("b", 1, 100, v, "")},
		},
		"one number for IPv4 and IPv6": {
			nodes: []string{
				router("a", 1, 150, v, "") + router("b", 1, 150, "fe80::1/64", ""),
				router("b", 1, 100, "fe80::1/64", "") + router("a", 1, 100, v, ""),
			},
		},
		"one number on two links": {
			nodes: []string{
				router("a", 1, 150, v, "") + "vrrp_instance b {\n interface eth1\n virtual_router_id 1\n virtual_ipaddress {\n  198.51.100.1\n }\n priority 150\n}\n",
				"vrrp_instance x {\n interface ens1\n virtual_router_id 1\n virtual_ipaddress {\n  198.51.100.1\n }\n}\n" + router("y", 1, 100, v, ""),
			},
		},
		"peers by name of three nodes": {
			nodes: []string{
				router("a", 1, 150, v, " unicast_src_ip 192.0.2.1\n unicast_peer {\n  192.0.2.2\n  192.0.2.3\n }"),
				router("a", 1, 100, v, " unicast_src_ip 192.0.2.2\n unicast_peer {\n  192.0.2.1\n  192.0.2.3\n }"),
				router("a", 1, 50, v, " unicast_src_ip 192.0.2.3\n unicast_peer {\n  192.0.2.1\n }"),
			},
			want: []string{"HF159"},
		},
		"two owners": {
			nodes: []string{router("a", 1, 255, v, ""), router("a", 1, 255, v, "")},
			want:  []string{"HF158"},
		},
		"an owner sends from its address": {
			nodes: []string{router("a", 1, 255, v, " mcast_src_ip 192.0.2.100"), router("a", 1, 100, v, "")},
		},
		"an owner alone": {
			nodes: []string{router("a", 1, 255, v, " mcast_src_ip 192.0.2.100")},
		},
		"nodes without virtual routers": {
			nodes: []string{"global_defs {\n}\n", "global_defs {\n}\n"},
		},
		"nothing at all": {nodes: []string{"", ""}},
	} {
		if got := ids(c.nodes...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestRanking(t *testing.T) {
	bonus := scripts("  x weight 70")
	a := one("")
	var all []Member
	for i, text := range []string{
		router("web", 1, 150, "192.0.2.100", "") + router("db", 2, 100, "192.0.2.101", ""),
		twoScripts + router("web", 1, 100, "192.0.2.100", bonus),
	} {
		a.Files = []txtar.File{{Name: "k.conf", Data: []byte(text)}}
		c, _ := conf.Load(a, "k.conf", conf.Options{})
		all = append(all, Member{Name: string(rune('a' + i)), Config: c})
	}
	want := []string{"web (virtual_router_id 1): b 170, then a 150", "db (virtual_router_id 2): a 100"}
	if got := Ranking(all); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
