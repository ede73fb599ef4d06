package print

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/schema"
)

// Configurations made of the schema's table: any keyword anywhere in its
// block, with values that fit or do not.
func TestMadeOfTheSchema(t *testing.T) {
	all := conf.Keywords()
	rapid.Check(t, func(t *rapid.T) {
		g := generator{t: t, all: all}
		c, found := load(g.text())
		hold(t, c, found)
	})
}

// A generator makes a text. What blocks need to be kept comes first in them.
type generator struct {
	t   *rapid.T
	all []conf.Keyword
	b   strings.Builder
	n   int
}

func (g *generator) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(g.t, label)
}

// needed is what a block is nothing without.
var needed = map[string]string{
	"vrrp_instance":  "interface eth0\nvirtual_router_id N\n",
	"vrrp_script":    "script /bin/true\n",
	"virtual_server": "lb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.0.9 80 {\n}\n",
	"url":            "path /\n",
	"MISC_CHECK":     "misc_path /bin/true\n",
}

func (g *generator) text() string {
	for range rapid.IntRange(1, 8).Draw(g.t, "blocks") {
		g.statement(g.in(nil))
	}
	return g.b.String()
}

// in are the keywords of a block.
func (g *generator) in(path []string) (out []conf.Keyword) {
	for _, k := range g.all {
		if slices.Equal(k.In, path) && k.Name != "include_check" {
			out = append(out, k)
		}
	}
	return out
}

func (g *generator) statement(from []conf.Keyword) {
	k := rapid.SampledFrom(from).Draw(g.t, "keyword")
	if main := filter(from, important); len(main) > 0 && rapid.IntRange(0, 3).Draw(g.t, "main") > 1 {
		k = rapid.SampledFrom(main).Draw(g.t, "main keyword")
	}
	g.b.WriteString(k.Name)
	g.n++
	switch k.Name {
	case "vrrp_instance", "vrrp_script", "vrrp_sync_group":
		g.b.WriteString(" " + g.pick("name", "a", "b", "c"))
	case "virtual_server":
		g.b.WriteString(" " + g.pick("server", "10.0.0.1 80", "10.0.0.2 "+strconv.Itoa(g.n), "fwmark "+strconv.Itoa(g.n), "2001:db8::1 80", "group a", "10.0.0.3"))
	default:
		for i := range k.Args {
			g.value(&k.Args[i])
		}
	}
	if !k.Opens {
		g.b.WriteByte('\n')
		return
	}
	g.b.WriteString(" {\n")
	g.b.WriteString(strings.ReplaceAll(needed[k.Name], "N", strconv.Itoa(g.n)))
	inner := g.in(append(slices.Clone(k.In), k.Name))
	for range rapid.IntRange(0, 8).Draw(g.t, "lines") {
		if len(inner) > 0 {
			g.statement(inner)
			continue
		}
		g.line(k)
	}
	g.b.WriteString("}\n")
}

// important are blocks that are made more often than by chance.
var important = []string{"global_defs", "vrrp_instance", "vrrp_script", "vrrp_sync_group", "virtual_server", "virtual_server_group",
	"real_server", "HTTP_GET", "TCP_CHECK", "MISC_CHECK", "url", "group", "virtual_ipaddress", "track_script", "unicast_peer"}

func filter(from []conf.Keyword, names []string) (out []conf.Keyword) {
	for _, k := range from {
		if slices.Contains(names, k.Name) {
			out = append(out, k)
		}
	}
	return out
}

// line is one of a list, which has no keywords.
func (g *generator) line(k conf.Keyword) {
	switch k.Name {
	case "virtual_ipaddress", "virtual_ipaddress_excluded", "static_ipaddress":
		g.b.WriteString(g.pick("address", "192.0.2.1/24", "192.0.2.2", "2001:db8::1/64", "fe80::1", "192.0.2.3/24 dev eth1 label eth1:1", "192.0.2.4 brd + no_track"))
	case "virtual_server_group":
		g.b.WriteString(g.pick("member", "192.0.2.1 80", "192.0.2.1-9 80", "192.0.2.1", "fwmark 7", "2001:db8::1-f 80", "192.0.2.0/29 80"))
	case "virtual_routes", "static_routes":
		g.b.WriteString(g.pick("route", "10.0.0.0/8 via 192.0.2.254 dev eth0", "default via 192.0.2.254 dev eth0 table 7", "blackhole 10.0.0.0/8"))
	case "virtual_rules", "static_rules":
		g.b.WriteString(g.pick("rule", "from 192.0.2.1 table 7 preference 9", "to 10.0.0.0/8 lookup main preference 3"))
	case "unicast_peer":
		g.b.WriteString(g.pick("peer", "192.0.2.2", "192.0.2.3 min_ttl 3", "2001:db8::2"))
	default:
		g.b.WriteString(g.pick("name", "a", "b", "c", "eth1", "eth2 weight 5", "a weight -3 reverse"))
	}
	g.b.WriteByte('\n')
}

func (g *generator) value(a *schema.Arg) {
	if a.Optional && rapid.Bool().Draw(g.t, "left out") {
		return
	}
	v := "a"
	switch a.Kind {
	case schema.Number, schema.Seconds:
		unit := int64(1)
		if a.Kind == schema.Seconds {
			unit = 1e6
		}
		few := min(max(a.Min, -300*unit)+300*unit, a.Max)
		n := rapid.OneOf(rapid.SampledFrom([]int64{a.Min, a.Max}), rapid.Int64Range(max(a.Min, -300*unit), few)).Draw(g.t, "number")
		if v = strconv.FormatInt(n, 10); a.Kind == schema.Seconds {
			v = schema.FormatSeconds(n)
		}
	case schema.Bool:
		v = g.pick("bool", "on", "off", "maybe")
	case schema.Address:
		v = g.pick("address", "192.0.2.9", "10.0.0.7", "2001:db8::9", "224.0.0.18", "ff02::12")
	case schema.Prefix:
		v = g.pick("prefix", "192.0.2.0/24", "2001:db8::/64")
	case schema.Interface:
		v = g.pick("interface", "eth0", "eth1")
	case schema.Enum:
		v = g.pick("word", a.Words...)
	case schema.Script:
		v = g.pick("script", "/bin/true", `"/bin/echo a 'b c'"`, "/bin/true root", `"/bin/a \\"b"`)
	case schema.Words:
		v = g.pick("words", "NAT", "DR", "TUN", "tcp 5 udp 6", "200-299 301", "MTU", "00ff", "1 2")
	case schema.Path:
		v = g.pick("path", "/tmp/a", `"/tmp/a b"`)
	case schema.Text:
		v = g.pick("text", "a", `"b c"`, "0123456789abcdef0123456789abcdef", "24", "255.255.255.0", "/x")
	}
	g.b.WriteString(" " + v)
}
