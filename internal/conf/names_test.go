package conf

import (
	"slices"
	"strings"
	"testing"
)

// namer is a machine with names of iproute2's in one folder.
type namer struct {
	machine
	etc string
}

func (n namer) Number(dirs [2]string, file, name string) (uint32, bool) {
	if dirs[0] != n.etc {
		return 0, false
	}
	v, known := map[string]uint32{
		"rt_tables blue": 100, "rt_protos mine": 42, "rt_scopes campus": 210, "rt_dsfield AF11": 40,
		"rt_realms out": 3, "rt_realms in": 4, "group guests": 9, "rt_tables main": 1,
	}[file+" "+name]
	return v, known
}

// Names of iproute2's become numbers when a configuration is read.
func TestNamesBecomeNumbers(t *testing.T) {
	const instance = `vrrp_instance A {
 interface eth0
 virtual_router_id 7
 use_vmac group guests
 virtual_ipaddress { 192.0.2.1/24 scope campus }
 virtual_routes {
  198.51.100.0/24 dev eth0 table blue protocol mine no_track scope campus tos AF11 realms in/out
  198.51.101.0/24 table main nexthop via 192.0.2.2 dev eth0 realms out
 }
 virtual_rules { from 192.0.2.0/24 table blue priority 5 suppress_ifgroup guests }
}`
	read := func(dir string) *Config {
		c, _ := Load(texts{"f": "global_defs {\n iproute_etc_dir " + dir + "\n}\n" + instance}, "f", Options{System: namer{etc: "/names"}})
		return c
	}
	i := read("/names").Instances[0]
	for what, c := range map[string][2]string{
		"the route": {strings.Join(i.Routes[0].Words, " "), "198.51.100.0/24 dev eth0 table 100 protocol 42 no_track scope 210 tos 40 realms 4/3"},
		"the hop":   {strings.Join(i.Routes[1].Words, " "), "198.51.101.0/24 table main nexthop via 192.0.2.2 dev eth0 realms 3"},
		"the rule":  {strings.Join(i.Rules[0].Words, " "), "from 192.0.2.0/24 table 100 priority 5 suppress_ifgroup 9"},
		"the scope": {i.Addresses[0].Scope, "210"},
	} {
		if c[0] != c[1] {
			t.Errorf("%s is %q, want %q", what, c[0], c[1])
		}
	}
	if i.VMAC == nil || i.VMAC.Group != 9 {
		t.Errorf("the VMAC is %+v, want it in group 9", i.VMAC)
	}
	if words := read("/elsewhere").Instances[0].Routes[0].Words; !slices.Contains(words, "out") {
		t.Errorf("the route is %q, though nobody knows its names", words)
	}
}
