package conf

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

func TestLabFilesLoad(t *testing.T) {
	for _, name := range []string{"a.conf", "b.conf"} {
		text, err := os.ReadFile("../../examples/lab/" + name)
		if err != nil {
			t.Fatal(err)
		}
		c, found := load(t, string(text))
		if found.Count(diag.Notice) > 0 {
			t.Errorf("%s: %s", name, ids(found, diag.Notice))
		}
		if len(c.Instances) != 1 || len(c.VirtualServers) != 1 || len(c.VirtualServers[0].Servers) != 3 {
			t.Fatalf("%s: %+v", name, c)
		}
		i, k := c.Instances[0], c.VirtualServers[0].Servers[0].Checkers[0]
		if i.VRID != 51 || i.Version != 3 || i.Interface != "eth0" || len(i.Addresses) != 1 || i.Addresses[0].Prefix.String() != "192.0.2.100/24" {
			t.Errorf("%s: instance %+v", name, i)
		}
		if k.Kind != "HTTP_GET" || k.DelayLoop != time.Second || k.Retry != 1 || k.ConnectPort != 80 || k.ConnectIP.String() != "192.0.2.21" || len(k.HTTP.URLs) != 1 {
			t.Errorf("%s: checker %+v", name, k)
		}
	}
}

func TestNoFile(t *testing.T) {
	c, found := Load(texts{}, "gone.conf", Options{})
	if c == nil || found.Count(diag.Fatal) != 1 || found[0].ID != "HF001" {
		t.Errorf("%v", found)
	}
}

func TestOwnKeywords(t *testing.T) {
	c, found := load(t, "global_defs {\n config_strict\n lvs_director proxy\n}\n")
	if found.Count(diag.Notice) > 0 || !c.Global.ConfigStrict || c.Global.Director != "proxy" {
		t.Errorf("%+v, %v", c.Global, found)
	}
	if c, _ = load(t, "global_defs {\n lvs_director kernel\n}\n"); c.Global.Director != "auto" {
		t.Errorf("director %q", c.Global.Director)
	}
}

// A machine that is not known is not complained about.
func TestWithoutSystem(t *testing.T) {
	_, found := Load(texts{"f": `
global_defs {
 script_user nobody_knows
}
vrrp_script s {
 script /no/such/file
}
vrrp_instance a {
 interface eth99
 virtual_router_id 1
 virtual_ipaddress {
  10.0.0.1 dev eth98
 }
 track_interface {
  eth97
 }
 track_script {
  s
 }
 notify /no/such/file
}
`}, "f", Options{})
	if found.Count(diag.Notice) > 0 {
		t.Error(ids(found, diag.Notice))
	}
}

func TestCommandsAreSplitWithoutAShell(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
		user string
	}{
		{`/bin/true`, []string{"/bin/true"}, ""},
		{`/bin/true root`, []string{"/bin/true"}, "root"},
		{`"/bin/true root"`, []string{"/bin/true", "root"}, ""},
		{`"/bin/true  'a b'	c" root`, []string{"/bin/true", "a b", "c"}, "root"},
		{`"/bin/true a\ b $HOME | x > y"`, []string{"/bin/true", "a", "b", "$HOME", "|", "x", ">", "y"}, ""}, // unescaped twice
		{`"/bin/true ''"`, []string{"/bin/true", ""}, ""},
	} {
		conf, _ := load(t, "global_defs {\n script_user root\n enable_script_security\n}\nvrrp_instance a {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {\n 10.0.0.1\n }\n notify_master "+c.line+"\n}\n")
		n := conf.Instances[0].Notify.Master
		if n == nil {
			t.Errorf("%s: no command", c.line)
			continue
		}
		if !slices.Equal(n.Argv, c.want) || n.User != c.user {
			t.Errorf("%s: %q as %q", c.line, n.Argv, n.User)
		}
	}
}

func TestScriptsThatMustNotRunAreDropped(t *testing.T) {
	c, _ := load(t, `
global_defs {
 enable_script_security
}
vrrp_instance a {
 interface eth0
 virtual_router_id 1
 virtual_ipaddress {
  10.0.0.1
 }
 notify_master /tmp/shared.sh root
 notify_backup /bin/true root
 notify_fault /bin/true
 notify_stop /bin/true nosuch
}
`)
	n := c.Instances[0].Notify
	if n.Master != nil || n.Backup == nil || n.Fault != nil || n.Stop != nil {
		t.Errorf("%+v", n)
	}
}

// What has a protocol schedules single packets of UDP only; a firewall mark has
// none.
func TestOnePacketScheduling(t *testing.T) {
	for text, want := range map[string]bool{
		"virtual_server 192.0.2.1 80 {\n protocol UDP":                                        true,
		"virtual_server 192.0.2.1 80 {\n protocol TCP":                                        false,
		"virtual_server fwmark 5 {":                                                           true,
		"virtual_server fwmark 5 {\n protocol TCP":                                            true,
		"virtual_server_group g {\n fwmark 5\n}\nvirtual_server group g {":                    true,
		"virtual_server_group g {\n fwmark 5\n}\nvirtual_server group g {\n protocol TCP":     true,
		"virtual_server_group g {\n fwmark 5\n 192.0.2.1 80\n}\nvirtual_server group g {":     true,
		"virtual_server_group g {\n 192.0.2.1 80\n}\nvirtual_server group g {\n protocol TCP": false,
	} {
		c, _ := load(t, text+"\n lb_algo rr\n lb_kind NAT\n ops\n real_server 192.0.2.5 80 {\n }\n}\n")
		if len(c.VirtualServers) != 1 || c.VirtualServers[0].OnePacket != want {
			t.Errorf("%s: want ops %v", text, want)
		}
	}
}
