package mib

import (
	"encoding/hex"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/dump"
	"github.com/holdfast-ha/holdfast/internal/feed"
	"github.com/holdfast-ha/holdfast/internal/files"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// load reads testdata/name.conf.
func load(t *testing.T, name string) *conf.Config {
	t.Helper()
	c, found := conf.Load(files.Disk{}, "testdata/"+name+".conf", conf.Options{})
	if c == nil {
		t.Fatal(found)
	}
	return c
}

// walk is what keepalived 2.2.7 said through snmpbulkwalk -On -Oe -Ot, by object.
func walk(t *testing.T, name string) map[string]string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".walk")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	last := ""
	for line := range strings.Lines(string(b)) {
		id, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " = ")
		if !ok {
			out[last] += " " + strings.TrimSpace(line) // a long string goes on
			continue
		}
		last = strings.TrimPrefix(id, ".")
		out[last] = strings.TrimSpace(value)
	}
	return out
}

// asText writes a value as snmpbulkwalk does.
func asText(v agentx.Value) string {
	switch v.Type {
	case agentx.OctetString:
		if len(v.Bytes) == 0 {
			return `""`
		}
		if strings.ContainsFunc(string(v.Bytes), func(r rune) bool { return r < ' ' || r > '~' }) {
			return "Hex-STRING: " + strings.ToUpper(strings.Join(pairs(hex.EncodeToString(v.Bytes)), " "))
		}
		return "STRING: \"" + string(v.Bytes) + "\""
	case agentx.TimeTicks:
		return strconv.FormatUint(v.Number, 10)
	}
	return v.String()
}

func pairs(s string) (out []string) {
	for ; len(s) >= 2; s = s[2:] {
		out = append(out, s[:2])
	}
	return out
}

// compare names every object that differs, except those below a known prefix.
func compare(t *testing.T, s *State, want map[string]string, known map[string]string) {
	t.Helper()
	have := map[string]string{}
	var last agentx.OID
	Build(s).Walk(func(v agentx.VarBind) {
		if v.Name.Compare(last) <= 0 {
			t.Fatalf("%v after %v", v.Name, last)
		}
		last = v.Name
		have[v.Name.String()] = asText(v.Value)
	})
	used := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(merged(want, have))) {
		if want[id] == have[id] {
			continue
		}
		expected := false
		for k := range known {
			if strings.HasPrefix(id+".", short(k)+".") {
				expected, used[k] = true, true
			}
		}
		if !expected {
			t.Errorf("%s\n  keepalived %s\n    holdfast %s", id, want[id], have[id])
		}
	}
	for k, why := range known {
		if !used[k] {
			t.Errorf("%s no longer differs: %s", k, why)
		}
	}
}

func merged(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// short writes out K, KEEPALIVED-MIB.
func short(id string) string { return strings.Replace(id, "K", Keepalived.String(), 1) }

var (
	began = time.Unix(1000, 0)
	now   = began.Add(10 * time.Second)
)

// eth is a link; its last number is its index.
func eth(name string, index int, mac, link string) dump.Interface {
	return dump.Interface{Name: name, Index: index, MAC: mac, Addresses: []netip.Addr{netip.MustParseAddr(link)}}
}

var links = []dump.Interface{
	eth("eth0", 3, "ee:fa:2b:0c:1a:3c", "10.0.0.1"), eth("eth1", 5, "ca:39:70:f0:9d:0d", "10.1.0.1"), eth("vrrp.52", 6, "00:00:5e:00:01:34", "10.0.0.110"),
}

func running(name, source string, priority int) dump.Router {
	return dump.Router{
		Name: name, State: "MASTER", Source: source, Priority: priority, Addresses: true, Took: "silence", Up: began,
		Counters: map[string]uint64{"become_master": 1},
	}
}

// written has the routes and rules of masters in the kernel, as those that are
// static, but for what it refuses: of an instance one route.
func written(s *State, instance, route int) {
	yes := func(n int) []bool { return slices.Repeat([]bool{true}, n) }
	s.VRRP.StaticRoutes, s.VRRP.StaticRules = yes(len(s.Conf.StaticRoutes)), yes(len(s.Conf.StaticRules))
	for i := range s.VRRP.Routers {
		if r := &s.VRRP.Routers[i]; r.Addresses {
			r.Routes, r.Rules = yes(len(s.Conf.Instances[i].Routes)), yes(len(s.Conf.Instances[i].Rules))
		}
	}
	s.VRRP.Routers[instance-1].Routes[route-1] = false
}

// What keepalived 2.2.7 gets wrong.
const (
	onlyFirst     = "it has the first instance only, and no address of a master that is itself"
	oneAdvertised = "it takes addresses of the first instance only for advertised"
	ofTheBlock    = "it has the weight of the block, where the reference gives another"
)

func all(c *conf.Config) Parts {
	return Parts{VRRP: c.Global.SNMP.VRRP, Checker: c.Global.SNMP.Checker && c.Instances == nil, RFCv2: c.Global.SNMP.RFCv2, RFCv3: c.Global.SNMP.RFCv3}
}

func TestSameAsKeepalivedVRRP(t *testing.T) {
	c := load(t, "vrrp")
	s := &State{
		Version: "Keepalived v2.2.7 (01/16,2022)", Parts: all(c), Conf: c, Links: links, Now: now, Epoch: began,
		VRRP: dump.VRRP{
			Routers: []dump.Router{
				running("VI_1", "10.0.0.1", 110), running("VI_2", "10.0.0.1", 103),
				running("VI_6", "fe80::c839:70ff:fef0:9d0d", 120), running("VI_4", "10.1.0.1", 80),
			},
			Groups:    []dump.Group{{Name: "G1", State: "MASTER"}},
			Scripts:   []dump.Script{{Name: "chk", Known: true, Up: true}},
			Files:     []dump.File{{Name: "tf", Number: 2}},
			Processes: []dump.Process{{Name: "tp"}},
			BFDs:      []dump.TrackedBFD{{Name: "b1"}},
		},
	}
	written(s, 1, 2)
	compare(t, s, walk(t, "vrrp"), map[string]string{
		"1.3.6.1.2.1.207.1.1.1.1.12": "clocks", "1.3.6.1.2.1.68.1.3.1.13": "clocks",
		"1.3.6.1.2.1.68.1.3.1": onlyFirst, "1.3.6.1.2.1.68.2.4.1": onlyFirst,
		"K.2.12.1.3": ofTheBlock, "K.2.16.1.3": ofTheBlock, "K.2.19.1.3": ofTheBlock, "K.2.22.1.3": ofTheBlock,
		"K.2.3.1.5.1": "VI_1 begins as BACKUP, since its group does", "K.2.6.1.11": oneAdvertised,
	})
}

func TestSameAsKeepalivedMore(t *testing.T) {
	c := load(t, "more")
	s := &State{
		Version: "Keepalived v2.2.7 (01/16,2022)", Parts: all(c), Conf: c, Links: links, Now: now, Epoch: began,
		VRRP: dump.VRRP{Routers: []dump.Router{
			{Name: "VI_1", State: "FAULT", Source: "10.0.0.1", Priority: 100}, running("VI_2", "10.0.0.1", 100),
			running("VI_3", "10.1.0.1", 255), running("VI_4", "10.1.0.1", 100),
		}},
	}
	s.VRRP.Routers[1].VMAC = "vrrp.52"
	s.VRRP.Routers[2].Took = "preempted"
	written(s, 3, 3)
	compare(t, s, walk(t, "more"), map[string]string{
		"1.3.6.1.2.1.207.1.1.1.1.12": "clocks", "1.3.6.1.2.1.68.1.3.1": onlyFirst, "1.3.6.1.2.1.68.2.4.1": onlyFirst,
		"K.1.2.0": "the host's name", "K.2.6.1.11": oneAdvertised,
		"K.2.20.1.3": "since 2.4 a process weighs 1 where nothing is said", "K.2.21.1.6": "the same",
		"K.2.7.1.46.3.3": "it says ip for mpls", "K.2.7.1.47.3.3": "it has the bytes as a number",
	})
}

func TestSameAsKeepalivedServers(t *testing.T) {
	c := load(t, "lvs")
	up := func(name string, weight int) api.Server { return api.Server{Name: name, Up: true, Weight: weight} }
	down := api.Server{Name: "[127.0.0.12]:tcp:80", Weight: 7, Checks: []api.Check{{}}}
	s := &State{
		Version: "Keepalived v2.2.7 (01/16,2022)", Parts: all(c), Conf: c, Links: links, Now: now,
		Pools: []api.Service{
			{Name: "[10.1.0.1]:tcp:80", HasQuorum: true, Servers: []api.Server{up("[127.0.0.11]:tcp:8080", 3), down, up("[127.0.0.13]:tcp:80", 7)}},
			{Name: "FWM 7", HasQuorum: true, Servers: []api.Server{up("[127.0.0.11]:tcp:0", 4)}},
			{Name: "[G]:0", HasQuorum: true, Servers: []api.Server{up("[127.0.0.11]:udp:80", 4)}},
			{Name: "[2001:db8::80]:tcp:80", HasQuorum: true, Servers: []api.Server{up("[::1]:tcp:8080", 2)}},
		},
	}
	compare(t, s, walk(t, "lvs"), map[string]string{
		"K.3.3.1.52.3": "it forgets hashed",
		"K.3.3.1.8.2":  "a firewall mark has no protocol, for which it has no number",
	})
}

func TestWeightsCanBeSet(t *testing.T) {
	c := load(t, "lvs")
	tree := Build(&State{Parts: Parts{Checker: true}, Conf: c, Pools: []api.Service{
		{Name: "[10.1.0.1]:tcp:80", Servers: []api.Server{{Name: "[127.0.0.11]:tcp:8080", Up: true, Weight: 3}}},
	}})
	weight := check.With(4, 1, 7)
	first := -1 // among the rows of the first virtual server, of which the sorry server has no weight
	for row := range 3 {
		if v := tree.Get(weight.With(1, part(row+1))); v.Type == agentx.Integer && first < 0 {
			first = row + 1
		}
	}
	at := weight.With(1, part(first))
	for _, one := range []struct {
		what string
		id   agentx.OID
		v    agentx.Value
		want agentx.Error
	}{
		{"a weight", at, agentx.Int(9), agentx.NoError},
		{"none", at, agentx.Int(0), agentx.NoError},
		{"too little", at, agentx.Int(-1), agentx.WrongValue},
		{"too much", at, agentx.Int(65536), agentx.WrongValue},
		{"no number", at, agentx.Text("9"), agentx.WrongType},
		{"nobody's", weight.With(1, 99), agentx.Int(9), agentx.NoCreation},
		{"no row", weight, agentx.Int(9), agentx.NoCreation},
		{"a sorry server's", weight.With(1, 1), agentx.Int(9), choose(first == 1, agentx.NoError, agentx.NoCreation)},
		{"of what nobody knows", weight.With(2, 1), agentx.Int(9), agentx.GenErr},
		{"another column", check.With(4, 1, 8, 1, 1), agentx.Int(9), agentx.NotWritable},
		{"an instance that is not there", vrrp.With(3, 1, 7, 1), agentx.Int(9), agentx.NotWritable},
	} {
		w, got := tree.Test(agentx.VarBind{Name: one.id, Value: one.v})
		if got != one.want {
			t.Errorf("%s: %v, want %v", one.what, got, one.want)
		}
		if got == agentx.NoError && (w != Weight{"[10.1.0.1]:tcp:80", "[127.0.0.11]:tcp:8080", one.v.Signed()}) {
			t.Errorf("%s: %+v", one.what, w)
		}
	}
}

func TestRefusedTraps(t *testing.T) {
	c, found := conf.Load(files.Disk{}, "testdata/vrrp.conf", conf.Options{})
	if c == nil {
		t.Fatal(found)
	}
	v2 := slices.IndexFunc(c.Instances, func(i *conf.VRRPInstance) bool { return i.Version == 2 && i.Family == 4 })
	v6 := slices.IndexFunc(c.Instances, func(i *conf.VRRPInstance) bool { return i.Family == 6 })
	if v2 < 0 || v6 < 0 {
		t.Fatal("the file has not what it takes")
	}
	s := &State{Parts: Parts{RFCv2: true, RFCv3: true}, Conf: c, Links: links}
	for _, one := range []struct{ name, from, cause, want string }{
		{c.Instances[v2].Name, "10.0.0.9", "auth_failure", "1.3.6.1.2.1.68.0.2"},
		{c.Instances[v2].Name, "10.0.0.9", "chk_err", "1.3.6.1.2.1.207.0.2"},
		{c.Instances[v2].Name, "10.0.0.9", "packet_len_err", ""},
		{c.Instances[v6].Name, "fe80::9", "auth_failure", ""},
		{c.Instances[v6].Name, "fe80::9", "ip_ttl_err", "1.3.6.1.2.1.207.0.2"},
		{"nobody", "10.0.0.9", "chk_err", ""},
		{c.Instances[v2].Name, "x", "chk_err", ""},
	} {
		got := ""
		for _, trap := range RefusedTraps(s, &feed.Refused{Name: one.name, Source: one.from, Cause: one.cause}) {
			got += strings.TrimPrefix(trap[0].String(), "OID: ")
		}
		if got != one.want {
			t.Errorf("%+v: %q", one, got)
		}
	}
}

// What can be set of an instance, and what of it cannot, as keepalived has it.
func TestSetInstance(t *testing.T) {
	c := &conf.Config{Instances: []*conf.VRRPInstance{{Name: "A", Priority: 100}, {Name: "B", Priority: 255}}}
	tree := Build(&State{Parts: Parts{VRRP: true}, Conf: c})
	priority, preempt := vrrp.With(3, 1, 7), vrrp.With(3, 1, 13)
	for _, one := range []struct {
		id   agentx.OID
		v    agentx.Value
		want any
	}{
		{priority.With(1), agentx.Int(7), feed.Setting{Name: "A", Priority: 7}},
		{priority.With(1), agentx.Int(0), agentx.WrongValue},
		{priority.With(1), agentx.Int(255), agentx.WrongValue},
		{priority.With(1), agentx.Int(256), agentx.WrongValue},
		{priority.With(1), agentx.Unsigned(7), agentx.WrongType},
		{priority.With(2), agentx.Int(255), feed.Setting{Name: "B", Priority: 255}},
		{priority.With(3), agentx.Int(7), agentx.NotWritable},
		{priority, agentx.Int(7), agentx.NotWritable},
		{preempt.With(1), agentx.Int(1), feed.Setting{Name: "A", Preempt: feed.On}},
		{preempt.With(2), agentx.Int(2), feed.Setting{Name: "B", Preempt: feed.Off}},
		{preempt.With(2), agentx.Int(3), agentx.WrongValue},
		{vrrp.With(3, 1, 14, 1), agentx.Unsigned(5), agentx.NotWritable},
	} {
		var got any
		change, no := tree.Test(agentx.VarBind{Name: one.id, Value: one.v})
		if got = change; no != agentx.NoError {
			got = no
		}
		if got != one.want {
			t.Errorf("%v to %v: %v, want %v", one.id, one.v, got, one.want)
		}
	}
}
