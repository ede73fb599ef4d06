package referee

import (
	"math"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
)

func (m *maker) pick(from ...string) string { return from[m.r.Intn(len(from))] }

// values are what follows a keyword: mostly as many as it takes.
func (m *maker) values(keyword string, args []schema.Arg) string {
	var b strings.Builder
	for i := range args {
		if args[i].Optional && m.r.Intn(2) == 0 || m.r.Intn(30) == 0 {
			break
		}
		b.WriteString(" " + m.value(keyword, &args[i]))
	}
	if m.r.Intn(30) == 0 {
		b.WriteString(" " + m.pick("extra", "1", "on", "weight", "/bin/true"))
	}
	return b.String()
}

func (m *maker) value(keyword string, a *schema.Arg) string {
	if m.r.Intn(15) == 0 {
		return m.pick("abc", "0", "-1", "1.5", "99999999999", "10.0.0.1", "::1", "1a", "+3", "0x10", "010", "/bin/true", `"a b"`)
	}
	switch a.Kind {
	case schema.Number:
		return m.number(a, 1)
	case schema.Seconds:
		return m.number(a, 1e9)
	case schema.Bool:
		return m.pick("on", "off", "true", "false", "yes", "no", "On", "maybe", "1")
	case schema.Address:
		return m.pick("10.9.0.1", "10.9.0.2", "10.1.0.3", "2001:db8::1", "fe80::1", "224.0.0.5", "10.0.0.300", "10.0.0.1/24", "ff02::5", "0.0.0.0", "::ffff:10.0.0.1", "10.1", "255.255.255.255", "127.0.0.1")
	case schema.Prefix:
		return m.pick("10.9.0.1", "10.9.0.2/24", "10.9.0.100/32", "2001:db8::1/64", "fe80::1", "10.0.0.300", "10.0.0.1/33", "10.0.0.1/", "2001:db8::1/129", "10.0.0.1/0", "10.0.0/24", "default", "10.9.0.101/08")
	case schema.Interface:
		return m.pick("e0", "e1", "e0", "e1", "lo", "e9", "averyveryverylongname")
	case schema.Name:
		return m.pick("s", "V", "G", "f", "b", "p", "SG", "e0", "nobody", "none", "root", "x")
	case schema.Path:
		return m.pick("/bin/true", "/tmp/trk", "/no/such", "/tmp", "relative", `"/a b"`)
	case schema.Enum:
		if m.r.Intn(6) == 0 {
			return strings.ToUpper(m.pick(a.Words...))
		}
		return m.pick(a.Words...)
	case schema.Script:
		return m.pick("/bin/true", `"/bin/true a b"`, "/bin/true root", "/bin/true root root", "/bin/true nosuchuser", "/no/such", "true", `"true x"`, "/etc/passwd", "/tmp", `"/bin/true 'a b' c"`)
	case schema.Words:
		return m.words(keyword)
	}
	return m.pick("x", "a.b", "/", "1", `"a b"`, "abcdefghijkl", "8", "é")
}

func (m *maker) number(a *schema.Arg, unit float64) string {
	low, high := float64(a.Min)/unit, float64(a.Max)/unit
	s := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	if math.Abs(high) > 1e10 {
		high = 1e6
	}
	if low < -1e10 {
		low = -1e6
	}
	switch m.r.Intn(8) {
	case 0:
		return s(low)
	case 1:
		return s(high)
	case 2:
		return s(low - 1)
	case 3:
		return s(high + 1)
	case 4:
		return s(math.Floor((low+high)/2) + .5)
	case 5:
		return s(math.Floor(low+m.r.Float64()*(high-low)) + 1)
	}
	return s(min(high, low+float64(m.r.Intn(50))))
}

// words are for keywords that judge their line themselves.
func (m *maker) words(keyword string) string {
	pool := vocabulary[keyword]
	if pool == "" {
		pool = "1 0 x on 255 abc 10.9.0.1"
	}
	f := strings.Split(pool, "|")
	if len(f) == 1 {
		f = strings.Fields(pool)
	}
	var b strings.Builder
	for i := range 1 + m.r.Intn(3) {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(m.pick(f...))
	}
	return b.String()
}

const addressWords = "dev e0|dev e1|dev e9|label e0:1|label e1:1|label averyveryverylongname|scope link|scope global|scope 300|scope host|brd 10.9.0.255|brd +|brd -|peer 10.9.0.7|peer 10.9.0.7/24|no_track|no-track|nodad|home|track_group x|via|preferred_lft 0|preferred_lft forever|mngtmpaddr|autojoin"

const routeWords = "10.5.0.0/16|default|via 10.9.0.2|dev e0|dev e1|dev e9|src 10.9.0.1|table 5|table main|table nosuch|metric 3|scope link|scope x|proto static|proto 300|mtu 1400|mtu x|mtu lock 1400|10.6.0.1|2001:db8:5::/48|via 2001:db8::2|onlink|blackhole 10.7.0.0/16|unreachable 10.7.0.0/16|no_track|weight 3|nexthop via 10.9.0.3|tos 8|tos 300|initcwnd 10|hoplimit 4|preference 5|realms 1/2|advmss 1000|rtt 5|rtt 5ms|quickack 1|congctl cubic|encap mpls 5|pref high|expires 5|track_group x|via inet6 fe80::1|or 10.9.0.4|to 10.8.0.0/16|from 10.8.0.0/16"

const ruleWords = "from 10.5.0.0/16|to 10.6.0.0/16|from 2001:db8::/32|from all|table 5|table main|table nosuch|lookup 6|preference 5|priority 6|priority x|order 7|iif e0|oif e1|iif e9|dev e0|tos 8|tos 300|fwmark 3|fwmark 0x3/0xff|realms 1/2|goto 700|unreachable|blackhole|prohibit|nop|not|suppress_prefixlength 5|suppress_ifgroup 3|tun_id 4|l3mdev|uidrange 3-5|ipproto tcp|ipproto x|sport 3-4|dport 5|protocol static|no_track|type unreachable|x"

var vocabulary = map[string]string{
	"virtual_ipaddress": addressWords, "virtual_ipaddress_excluded": addressWords, "static_ipaddress": addressWords,
	"virtual_routes": routeWords, "static_routes": routeWords, "virtual_rules": ruleWords, "static_rules": ruleWords,
	"virtual_server":       "10.1.0.1 80|10.1.0.2 443|10.1.0.2|10.1.0.3 0|10.1.0.3 99999|fwmark 3|fwmark 0|fwmark x|group SG|group nosuch|2001:db8::8 80|nosuch 80",
	"virtual_server_group": "10.1.0.1|10.1.0.1-10.1.0.9|10.1.0.1-9|10.1.0.9-3|10.1.0.0/24|80|0|99999|fwmark 3|fwmark 0|2001:db8::8|2001:db8::8-f|inet6|80-90",
	"lb_kind":              "NAT|DR|TUN|nat|TUN type ipip|TUN type gue port 5|TUN type gre|TUN type x|csum|nocsum", "lvs_method": "NAT|DR|TUN|nat|TUN type ipip|TUN type gue port 5|TUN type gre|TUN type x|csum|nocsum",
	"sorry_server_lvs_method": "NAT|DR|TUN|nat|TUN type gue port 5",
	"lb_algo":                 "-b sh-port|-b flag-1|-b x|-b sh-fallback,sh-port|x", "lvs_sched": "-b sh-port|-b flag-1|-b x",
	"track_script": "weight 3|weight -3|weight 300|weight x|reverse|weight 3 reverse|x", "track_file": "weight 3|weight -3|weight 300|weight x|reverse|x",
	"track_interface": "weight 3|weight -3|weight 300|weight x|reverse|x", "track_process": "weight 3|weight -3|weight 300|weight x|reverse|x", "track_bfd": "weight 3|weight 300|reverse",
	"unicast_peer": "min_ttl 3|max_ttl 255|max_ttl 300|min_ttl x|min_ttl 0|x", "status_code": "200|200-299|404|99|600|x|300-200",
	"lvs_timeouts": "tcp 5|tcpfin 6|udp 7|tcp 0|tcp x|x", "lvs_sync_daemon": "e0|e1|e9|V|id 3|id 300|port 4|maxlen 1000|group 224.0.0.5|inst V|interface e0|ttl 3|x",
	"process": "bash|init|\"a b\"|-x", "umask": "022|0999|IRUSR|IRUSR|IWGRP|x", "vrrp_rx_bufs_policy": "MTU|ADVERT|1000|x|0",
	"include_check": "readable|match|brace|x",
}
