package uml_test

import (
	"fmt"
	"strings"
)

// aCase is one virtual server. In its text, VIP is an IPv4 address of its own,
// VIP6 one of IPv6, MARK a firewall mark and GROUP a name; RS A stands for a
// real server that is checked, A for which; CALL W for a script that notes W.
type aCase struct {
	name string
	text string
	then string // after the reload; by default weights change and the third server goes
	bug  string // why what keepalived has after the reload is not compared
}

// vs is a virtual server of TCP on port 80 of VIP; words that it has in its
// body come first.
func vs(lines ...string) string { return at("VIP 80", append([]string{"protocol TCP"}, lines...)...) }

func at(address string, lines ...string) string {
	return "virtual_server " + address + " {\n    delay_loop 0.5\n    " + strings.Join(lines, "\n    ") + "\n}\n"
}

// rs is a real server, one of a, b and c, with a check of its own.
func rs(which string, lines ...string) string { return rsAt(backends[which]+" 8080", which, lines...) }

// rsAt has an address and port that are not those that are checked.
func rsAt(address, which string, lines ...string) string {
	ip := backends[which]
	return fmt.Sprintf(`real_server %s {
        %s
        TCP_CHECK {
            connect_ip %s
            connect_port 8080
            connect_timeout 2
            retry 0
            delay_before_retry 0.1
        }
    }`, address, strings.Join(lines, "\n        "), ip)
}

var backends = map[string]string{
	"a": "127.0.0.11", "b": "127.0.0.12", "c": "127.0.0.13",
	"A": "fd00::11", "B": "fd00::12", "C": "fd00::13",
}

// three are the three real servers, each with the same words.
func three(lines ...string) string {
	lines = append([]string{"weight 1"}, lines...)
	return rs("a", lines...) + "\n    " + rs("b", lines...) + "\n    " + rs("c", lines...)
}

// three6 are those of IPv6.
func three6(lines ...string) string {
	lines = append([]string{"weight 1"}, lines...)
	return rs("A", lines...) + "\n    " + rs("B", lines...) + "\n    " + rs("C", lines...)
}

// samePort are servers for forwarding that cannot change the port.
func samePort() string {
	return rsAt("127.0.0.11 80", "a", "weight 1") + "\n    " + rsAt("127.0.0.12 80", "b", "weight 1") + "\n    " + rsAt("127.0.0.13 80", "c", "weight 1")
}

const sorry = "sorry_server 127.0.0.99 8080"

// bugs are keepalived's (2.2.7), by case.
var bugs = map[string]string{
	"sorry inhibited":    "it leaves the weight of a sorry server at 0 when sorry_server_inhibit goes, for good",
	"group":              "it does not remove a group's address that went",
	"group with a range": "it does not remove a group's addresses that went",
	"group with marks":   "it does not remove a group's mark that went",
}

// cases are what both daemons are asked.
func cases() []aCase {
	var all []aCase
	add := func(name string, text ...string) {
		c := aCase{name: name, text: text[0]}
		if c.then = reloaded(c.text); len(text) > 1 {
			c.then = text[1]
		}
		c.bug = bugs[name]
		all = append(all, c)
	}
	for _, s := range strings.Fields("rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh") {
		add("scheduler "+s, vs("lb_algo "+s, "lb_kind NAT", three()), vs("lb_algo rr", "lb_kind NAT", three()))
	}
	for _, f := range []string{"sh sh-port", "sh sh-fallback", "mh mh-port", "mh mh-fallback", "wlc flag-1", "wlc flag-2", "wlc flag-3", "rr hashed"} {
		scheduler, flag, _ := strings.Cut(f, " ")
		add("flag "+flag, vs("lb_algo "+scheduler, flag, "lb_kind NAT", three()), vs("lb_algo "+scheduler, "lb_kind NAT", three()))
	}
	services(add)
	forwarding(add)
	failing(add)
	groups(add)
	return all
}

// reloaded is what a text becomes unless said otherwise.
func reloaded(text string) string {
	text = strings.ReplaceAll(text, "weight 1\n", "weight 7\n")
	if at := strings.LastIndex(text, "real_server "); at >= 0 && strings.Count(text, "real_server ") > 2 && strings.Count(text, "virtual_server ") == 1 {
		text = text[:at] + "}\n"
	}
	return text
}

func services(add func(string, ...string)) {
	add("ops", at("VIP 53", "protocol UDP", "lb_algo rr", "ops", "lb_kind NAT", three()), at("VIP 53", "protocol UDP", "lb_algo rr", "lb_kind NAT", three()))
	add("udp", at("VIP 53", "protocol UDP", "lb_algo rr", "lb_kind NAT", three()))
	add("sctp", at("VIP 99", "protocol SCTP", "lb_algo rr", "lb_kind NAT", three()))
	add("defaults", at("VIP 80", three()))
	add("old words", vs("lvs_sched wlc", "lvs_method NAT", three()))
	add("ipv6", at("VIP6 80", "protocol TCP", "lb_algo rr", "lb_kind NAT", three6()))
	add("port 0", at("VIP 0", "protocol TCP", "lb_algo rr", "lb_kind DR", "persistence_timeout 60", rsAt("127.0.0.11 0", "a", "weight 1"), rsAt("127.0.0.12 0", "b", "weight 1")))
	add("port 0 without persistence", at("VIP 0", "protocol TCP", "lb_algo rr", "lb_kind DR", rsAt("127.0.0.11 0", "a", "weight 1"), rsAt("127.0.0.12 0", "b", "weight 1")))
	add("no port", at("VIP", "protocol TCP", "lb_algo rr", "lb_kind DR", "persistence_timeout 60", rsAt("127.0.0.11", "a", "weight 1")))
	add("persistence", vs("lb_algo rr", "lb_kind NAT", "persistence_timeout 50", three()), vs("lb_algo rr", "lb_kind NAT", "persistence_timeout 70", three()))
	add("persistence by default", vs("lb_algo rr", "lb_kind NAT", "persistence_timeout", three()), vs("lb_algo rr", "lb_kind NAT", three()))
	add("granularity", vs("lb_algo rr", "lb_kind NAT", "persistence_timeout 50", "persistence_granularity 255.255.255.0", three()),
		vs("lb_algo rr", "lb_kind NAT", "persistence_timeout 50", "persistence_granularity 255.255.0.0", three()))
	add("granularity ipv6", at("VIP6 80", "protocol TCP", "lb_algo rr", "lb_kind NAT", "persistence_timeout 50", "persistence_granularity 64", three6()))
	add("granularity alone", vs("lb_algo rr", "lb_kind NAT", "persistence_granularity 255.255.255.0", three()))
	add("engine", at("VIP 5060", "protocol UDP", "lb_algo rr", "lb_kind NAT", "ops", "persistence_engine sip", "persistence_timeout 60", three()))
	add("virtualhost", vs("lb_algo rr", "lb_kind NAT", "virtualhost www.example.org", three("virtualhost two.example.org")))
	add("snmp name", vs("snmp_name one", "lb_algo rr", "lb_kind NAT", three("snmp_name two")))
	add("thresholds", vs("lb_algo rr", "lb_kind NAT", three("uthreshold 1000", "lthreshold 10")), vs("lb_algo rr", "lb_kind NAT", three("uthreshold 2000")))
	add("weights", vs("lb_algo wrr", "lb_kind NAT", "weight 5", rs("a"), rs("b", "weight 0"), rs("c", "weight 65535")),
		vs("lb_algo wrr", "lb_kind NAT", "weight 6", rs("a"), rs("b", "weight 2"), rs("c", "weight 1")))
	add("servers come and go", vs("lb_algo rr", "lb_kind NAT", rs("a", "weight 1"), rs("b", "weight 1")), vs("lb_algo rr", "lb_kind NAT", rs("b", "weight 2"), rs("c", "weight 3")))
	add("it goes", vs("lb_algo rr", "lb_kind NAT", three()), "")
	add("it comes", "", vs("lb_algo rr", "lb_kind NAT", three()))
	add("a server twice", vs("lb_algo rr", "lb_kind NAT", rs("a", "weight 1"), rs("b", "weight 1"), rs("a", "weight 4")))
	add("no checks", vs("lb_algo rr", "lb_kind NAT", "real_server 127.0.0.11 8080 {\n weight 1\n }", "real_server 127.0.0.14 8080 {\n weight 2\n }"))
}

func forwarding(add func(string, ...string)) {
	add("direct routing", vs("lb_algo rr", "lb_kind DR", samePort()))
	add("direct routing to another port", vs("lb_algo rr", "lb_kind DR", three()))
	add("direct routing ipv6", at("VIP6 80", "protocol TCP", "lb_algo rr", "lb_kind DR", rsAt("fd00::11 80", "A", "weight 1"), rsAt("fd00::12 80", "B", "weight 1")))
	add("tunnel", vs("lb_algo rr", "lb_kind TUN", samePort()), vs("lb_algo rr", "lb_kind DR", samePort()))
	add("tunnel ipip", vs("lb_algo rr", "lb_kind TUN type ipip", samePort()))
	add("tunnel gue", vs("lb_algo rr", "lb_kind TUN type gue port 6080", samePort()), vs("lb_algo rr", "lb_kind TUN type gue port 6081", samePort()))
	add("tunnel gue csum", vs("lb_algo rr", "lb_kind TUN type gue port 6080 csum", samePort()))
	add("tunnel gue remcsum", vs("lb_algo rr", "lb_kind TUN type gue port 6080 remcsum", samePort()))
	add("tunnel gre", vs("lb_algo rr", "lb_kind TUN type gre", samePort()))
	add("tunnel gre csum", vs("lb_algo rr", "lb_kind TUN type gre csum", samePort()))
	add("tunnel to ipv6", vs("lb_algo rr", "lb_kind TUN", rsAt("fd00::11 80", "A", "weight 1"), rsAt("127.0.0.12 80", "b", "weight 1")))
	add("tunnel from ipv6", at("VIP6 80", "protocol TCP", "lb_algo rr", "lb_kind TUN", rsAt("fd00::11 80", "A", "weight 1"), rsAt("127.0.0.12 80", "b", "weight 1")))
	add("each its own", vs("lb_algo rr", "lb_kind NAT", rsAt("127.0.0.11 80", "a", "weight 1", "lvs_method DR"), rsAt("127.0.0.12 80", "b", "weight 1", "lb_kind TUN"), rs("c", "weight 1")),
		vs("lb_algo rr", "lb_kind NAT", rsAt("127.0.0.11 80", "a", "weight 1", "lvs_method TUN type gre"), rsAt("127.0.0.12 80", "b", "weight 1"), rs("c", "weight 1")))
}

func failing(add func(string, ...string)) {
	nat := []string{"lb_algo rr", "lb_kind NAT"}
	v := func(lines ...string) string { return vs(append(nat[:2:2], lines...)...) }
	// A program costs more here than a hundred other checks, and says nothing new the second time.
	const once = "misc_timeout 20\n delay_loop 60\n warmup 0.5\n retry 0\n"
	notes := "quorum_up \"CALL up\"\n    quorum_down \"CALL down\""
	add("sorry", v(sorry, notes, rs("a", "weight 1"), rs("b", "weight 1")))
	add("sorry inhibited", v(sorry, "sorry_server_inhibit", rs("a", "weight 1"), rs("b", "weight 1")), v(sorry, rs("a", "weight 1"), rs("b", "weight 1")))
	add("sorry by another method", v("sorry_server 127.0.0.99 80", "sorry_server_lvs_method DR", rs("a", "weight 1"), rs("b", "weight 1")))
	add("sorry changes", v(sorry, "quorum 9", rs("a", "weight 1"), rs("b", "weight 1")), v("sorry_server 127.0.0.98 8080", "quorum 9", rs("a", "weight 1"), rs("b", "weight 1")))
	add("sorry goes", v(sorry, "quorum 9", rs("a", "weight 1"), rs("b", "weight 1")), v("quorum 9", rs("a", "weight 1"), rs("b", "weight 1")))
	add("sorry without a port", v("sorry_server 127.0.0.99", rs("a", "weight 1"), rs("b", "weight 1")))
	add("sorry is a real server", v("sorry_server 127.0.0.13 8080", rs("a", "weight 1"), rs("b", "weight 1"), rs("c", "weight 1")))
	add("quorum", v("quorum 2", sorry, notes, three()), v("quorum 3", sorry, notes, three()))
	add("quorum not reached", v("quorum 9", notes, three()), v("quorum 2", notes, three()))
	add("hysteresis", v("quorum 2", "hysteresis 1", sorry, notes, three()))
	add("hysteresis alone", v("hysteresis 1", notes, rs("a", "weight 3"), rs("b", "weight 3")))
	add("quorum by weight", v("quorum 5", sorry, notes, rs("a", "weight 4"), rs("b", "weight 5")))
	add("inhibit", v(three("inhibit_on_failure")), v(three()))
	add("inhibit for all", v("inhibit_on_failure", three()))
	add("inhibit and sorry", v(sorry, three("inhibit_on_failure")))
	add("inhibit, sorry and sorry inhibited", v(sorry, "sorry_server_inhibit", "quorum 2", three("inhibit_on_failure")))
	add("alpha", v("alpha", notes, three("notify_up \"CALL rup\"", "notify_down \"CALL rdown\"")))
	add("omega", v("omega", notes, three("notify_up \"CALL rup\"", "notify_down \"CALL rdown\"")))
	add("alpha and omega", v("alpha", "omega", sorry, notes, three("notify_up \"CALL rup\"", "notify_down \"CALL rdown\"")))
	add("notify", v(notes, three("notify_up \"CALL rup\"", "notify_down \"CALL rdown\"")))
	add("two checks", v(rs("a", "weight 1", "TCP_CHECK {\n connect_ip 127.0.0.12\n connect_port 8080\n retry 0\n }"), rs("b", "weight 1")))
	add("ha_suspend", v("ha_suspend", rs("a", "weight 1"), rs("b", "weight 1")))
	add("dynamic weight", v("real_server 127.0.0.11 8080 {\n weight 10\n MISC_CHECK {\n misc_path \"/bin/sh -c 'exit 22'\"\n misc_dynamic\n "+once+" }\n }", rs("b", "weight 1")))
	add("a check fails", v("real_server 127.0.0.11 8080 {\n weight 10\n MISC_CHECK {\n misc_path \"/bin/false\"\n "+once+" }\n }", rs("b", "weight 1")))
}

func groups(add func(string, ...string)) {
	group := func(lines ...string) string {
		return "virtual_server_group GROUP {\n    " + strings.Join(lines, "\n    ") + "\n}\n"
	}
	add("mark", at("fwmark MARK", "lb_algo rr", "lb_kind DR", rsAt("127.0.0.11 0", "a", "weight 1"), rsAt("127.0.0.12 0", "b", "weight 1")))
	add("mark ipv6", at("fwmark MARK", "ip_family inet6", "lb_algo rr", "lb_kind DR", rsAt("fd00::11 0", "A", "weight 1"), rsAt("fd00::12 0", "B", "weight 1")))
	add("mark with masquerading", at("fwmark MARK", "lb_algo rr", "lb_kind NAT", three()))
	add("group", group("VIP 80", "VIP 81")+at("group GROUP", "protocol TCP", "lb_algo rr", "lb_kind NAT", three()),
		group("VIP 80", "VIP 82")+at("group GROUP", "protocol TCP", "lb_algo rr", "lb_kind NAT", three()))
	add("group with a range", group("VIP-9 80")+at("group GROUP", "protocol TCP", "lb_algo rr", "lb_kind NAT", sorry, three()),
		group("VIP-5 80")+at("group GROUP", "protocol TCP", "lb_algo rr", "lb_kind NAT", sorry, three()))
	add("group with marks", group("fwmark MARK", "VIP 80")+at("group GROUP", "protocol TCP", "lb_algo rr", "lb_kind DR", "persistence_timeout 30", samePort()),
		group("VIP 80")+at("group GROUP", "protocol TCP", "lb_algo rr", "lb_kind DR", "persistence_timeout 30", samePort()))
	add("group ipv6", group("VIP6 80", "VIP6 81")+at("group GROUP", "protocol TCP", "lb_algo rr", "lb_kind NAT", three6()))
	add("group of both families", group("VIP 80", "VIP6 80")+at("group GROUP", "protocol TCP", "lb_algo rr", "lb_kind TUN", samePort()))
	add("group twice", group("VIP 80")+at("group GROUP", "protocol TCP", "lb_algo rr", "lb_kind NAT", three())+at("group GROUP", "protocol UDP", "lb_algo wrr", "lb_kind NAT", three()))
}
