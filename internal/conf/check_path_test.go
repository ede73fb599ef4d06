package conf

import (
	"strings"
	"testing"
)

// A check takes the way of the traffic where that is another one.
func TestCheckPath(t *testing.T) {
	const vip = "TCP_CHECK {\n check_path vip\n}"
	for name, c := range map[string]struct {
		server, check, complaint string
		path                     bool
	}{
		"direct routing": {"192.0.2.1 80 {\n lb_kind DR", vip, "", true},
		"tunnel of one":  {"192.0.2.1 80 {\n lb_kind NAT", "lvs_method TUN\n" + vip, "", true},
		"real":           {"192.0.2.1 80 {\n lb_kind DR", "TCP_CHECK {\n check_path vip\n check_path real\n}", "", false},
		"masquerading":   {"192.0.2.1 80 {\n lb_kind NAT", vip, "masquerading takes the same way", false},
		"nothing said":   {"192.0.2.1 80 {", vip, "masquerading takes the same way", false},
		"a mark":         {"fwmark 7 {\n lb_kind DR", vip, "no address to go to", false},
		"ping":           {"192.0.2.1 80 {\n lb_kind DR", "PING_CHECK {\n check_path vip\n}", "echo requests", false},
		"two marks":      {"192.0.2.1 80 {\n lb_kind DR", "TCP_CHECK {\n fwmark 3\n check_path vip\n}", "marks its packets itself", false},
		"connect_ip":     {"192.0.2.1 80 {\n lb_kind DR", "TCP_CHECK {\n connect_ip 10.0.0.9\n check_path vip\n}", "connect_ip is ignored", true},
		"two families":   {"2001:db8::1 80 {\n lb_kind TUN", vip, "where to come from", false},
		"two, and bound": {"2001:db8::1 80 {\n lb_kind TUN", "TCP_CHECK {\n connect_ip 2001:db8::2\n bindto 2001:db8::9\n check_path vip\n}", "connect_ip is ignored", true},
	} {
		cfg, found := load(t, "virtual_server "+c.server+"\n lb_algo rr\n protocol TCP\n real_server 10.0.0.1 80 {\n"+c.check+"\n}\n}\n")
		if got := cfg.VirtualServers[0].Servers[0].Checkers[0].Path; got != c.path {
			t.Errorf("%s: %v", name, got)
		}
		var about []string
		for _, d := range found {
			if strings.Contains(d.Message, "check_path") {
				about = append(about, d.Message)
			}
		}
		if got := strings.Join(about, "; "); c.complaint == "" && got != "" || !strings.Contains(got, c.complaint) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// The word is taken, and changes nothing: the number
// always counts.
func TestDynamicFileCheck(t *testing.T) {
	text := "track_file load {\n file /run/load\n weight -2\n}\nvirtual_server 192.0.2.1 80 {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n real_server 10.0.0.1 80 {\n" +
		"FILE_CHECK {\n track_file load\n dynamic\n}\n}\n}\n"
	cfg, found := load(t, text)
	for _, d := range found {
		if strings.Contains(d.Message, "dynamic") {
			t.Error(d)
		}
	}
	if c := cfg.VirtualServers[0].Servers[0].Checkers; len(c) != 1 || c[0].File.TrackFile != "load" {
		t.Errorf("%+v", c)
	}
}
