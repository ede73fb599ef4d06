package dump

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// sample is one instance with a password, and what is known of it.
func sample() (*conf.Config, *VRRP) {
	c := &conf.Config{Global: conf.Global{JSONVersion: 1}, Instances: []*conf.VRRPInstance{{
		Name: "VI_1", Interface: "e0", Version: 2, Family: 4, VRID: 51, Priority: 100, AdvertInt: time.Second, Accept: true,
		AuthType: "PASS", AuthPass: "secret1", Addresses: []conf.Address{{Prefix: netip.MustParsePrefix("10.9.0.100/24"), Label: "e0:1"}},
		Notify: conf.Notify{Any: &conf.Command{Argv: []string{"/tmp/n.sh", "a b"}}},
	}}}
	return c, &VRRP{Routers: []Router{{
		Name: "VI_1", State: "MASTER", Since: time.Unix(1795258071, 652970000), Interface: "e0", MasterEvery: time.Second,
		Priority: 100, Addresses: true, Counters: map[string]uint64{"advert_sent": 12, "become_master": 2, "ip_ttl_err": 7},
	}}}
}

// The names and their order are those of keepalived, which wrote the like.
func TestJSON(t *testing.T) {
	c, s := sample()
	one := string(JSON(c, s))
	want := `[{"data":{"iname":"VI_1","dont_track_primary":0,"skip_check_adv_addr":0,"strict_mode":0,"vmac_ifname":"","ifp_ifname":"e0",` +
		`"master_priority":0,"last_transition":1795258071.652970,"garp_delay":0,"garp_refresh":0,"garp_rep":0,"garp_refresh_rep":0,` +
		`"garp_lower_prio_delay":0,"garp_lower_prio_rep":0,"lower_prio_no_advert":0,"higher_prio_send_advert":0,"vrid":51,` +
		`"base_priority":100,"effective_priority":100,"vipset":true,"promote_secondaries":false,"adver_int":1,"master_adver_int":1,` +
		`"accept":1,"nopreempt":false,"preempt_delay":0,"state":2,"wantstate":2,"version":2,"smtp_alert":false,"notify_deleted":false,` +
		`"script":"'\/tmp\/n.sh' 'a b'","vips":["10.9.0.100\/24 dev e0 scope global label e0:1 set"],"auth_type":1,"auth_data":"********"},` +
		`"stats":{"advert_rcvd":0,"advert_sent":12,"become_master":2,"release_master":0,"packet_len_err":0,"advert_interval_err":0,` +
		`"ip_ttl_err":7,"invalid_type_rcvd":0,"addr_list_err":0,"invalid_authtype":0,"authtype_mismatch":0,"auth_failure":0,` +
		`"auth_ext_missing":0,"auth_ext_malformed":0,"auth_ext_unknown_key":0,"auth_ext_invalid_hmac":0,"auth_ext_stale":0,"auth_ext_replay":0,` +
		`"pri_zero_rcvd":0,"pri_zero_sent":0}}]` + "\n"
	if one != want {
		t.Errorf("got  %s\nwant %s", one, want)
	}
	c.Global.JSONVersion = 2
	var two struct {
		VRRP    []map[string]any `json:"vrrp"`
		Process []any            `json:"track_process"`
	}
	if err := json.Unmarshal(JSON(c, s), &two); err != nil || len(two.VRRP) != 1 || two.Process == nil {
		t.Errorf("version 2: %+v, %v", two, err)
	}
}

func TestStats(t *testing.T) {
	_, s := sample()
	want := `VRRP Instance: VI_1
  Advertisements:
    Received: 0
    Sent: 12
  Became master: 2
  Released master: 0
  Packet Errors:
    Length: 0
    TTL: 7
    Invalid Type: 0
    Advertisement Interval: 0
    Address List: 0
  Authentication Errors:
    Invalid Type: 0
    Type Mismatch: 0
    Failure: 0
  Priority Zero:
    Received: 0
    Sent: 0
`
	if got := string(Stats(s)); got != want {
		t.Errorf("got\n%s", got)
	}
}

// No dump tells a password; keepalived.data is compared with keepalived's own
// in test/values.
func TestNoPassword(t *testing.T) {
	c, s := sample()
	o := &Options{IDs: func(string, string) string { return "0:0" }, Interfaces: []Interface{{Name: "e0", Index: 3, Up: true, Addresses: []netip.Addr{netip.MustParseAddr("10.9.0.100")}}}}
	data := string(Data(c, s, o)) + string(Parent(c, o))
	for _, want := range []string{"   State = MASTER\n", "   Password = ********\n", "     10.9.0.100/24 dev e0 scope global label e0:1 set\n", "   IPv4 address = (none)\n"} {
		if !strings.Contains(data, want) {
			t.Errorf("no line %q in\n%s", want, data)
		}
	}
	if strings.Contains(data+string(JSON(c, s)), "secret1") {
		t.Error("the password is there")
	}
}

// The lines and their order are keepalived's, which was asked about the like.
func TestVirtualLink(t *testing.T) {
	c, s := sample()
	i := c.Instances[0]
	i.AuthType, i.AuthPass = "", ""
	i.VMAC, i.XmitBase = &conf.VMAC{MAC: [6]byte{2, 0, 0, 1, 2, 3}}, true
	i.Addresses = append(i.Addresses, conf.Address{Prefix: netip.MustParsePrefix("10.9.0.105/32"), Peer: netip.MustParsePrefix("10.9.5.5/32"), Options: []string{"home"}})
	i.Excluded = []conf.Address{{Prefix: netip.MustParsePrefix("fd09::3/128"), Dev: "e1"}, {Prefix: netip.MustParsePrefix("fd09::1/64"), Dev: "e1", NoTrack: true}}
	i.HMAC = &conf.HMAC{Keys: []conf.HMACKey{{ID: 4, Secret: []byte("a secret that nobody must be told")}}, Active: 4, Window: 5 * time.Second}
	c.GARPGroups = []conf.GARPGroup{{ARP: 500 * time.Millisecond, Interfaces: []string{"e0"}}}
	s.Routers[0].VMAC = "vrrp.51"
	s.Routers[0].Links = map[string]string{"10.9.0.100": "vrrp.51", "10.9.0.105": "vrrp.51", "fd09::3": "e1", "fd09::1": "e1"}
	o := &Options{IDs: func(string, string) string { return "0:0" }, Interfaces: []Interface{
		{Name: "e0", Index: 3, Up: true, Running: true, Broadcast: true, Multicast: true, MTU: 1500},
		{Name: "vrrp.51", Index: 4, Up: true, Running: true, Broadcast: true, Multicast: true, MTU: 1500},
	}}
	text := string(Data(c, s, o))
	for _, want := range []string{
		"------< GARP delay group 1 >------\n GARP interval = 0.5\n Interfaces\n  e0\n",
		" nftables table name =",
		"   Use VMAC, i/f name vrrp.51, is_up = true, xmit_base = true\n     MAC = 02:00:00:01:02:03\n   Interface = vrrp.51, vmac on e0, xmit base i/f\n",
		"   Authentication type = HMAC\n   HMAC mode = enforce\n   HMAC key 4 = ********, active\n   HMAC time window = 5 sec\n   HMAC anti replay = time\n",
		"     10.9.0.100/24 dev vrrp.51@e0 scope global label e0:1 set\n     10.9.0.105 dev vrrp.51@e0 scope global peer 10.9.5.5/32 home set\n",
		"     fd09::3 dev e1 scope global deprecated set\n     fd09::1/64 dev e1 scope global no_track preferred_lft forever set\n",
		"   VMAC type private, underlying interface = e0, state = UP, RUNNING\n   I/f created by keepalived\n   MTU = 1500\n   HW Type = ETHERNET\n   Tracking VRRP instances :\n     VI_1, weight 0\n",
		"   Gratuitous ARP interval 500ms\n   Gratuitous ARP aggregation group 1\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing:\n%s\nin:\n%s", want, text)
		}
	}
	if strings.Contains(text, "nobody must be told") {
		t.Error("the key is there")
	}
}

// The words are those of keepalived, which was asked about the like, but for the
// protocol of the first route and the metric of the second, which it forgets.
func TestRoutesAndRules(t *testing.T) {
	asRoutes := func(lines ...string) (out []conf.Route) {
		for _, l := range lines {
			out = append(out, conf.Route{Words: strings.Fields(l)})
		}
		return out
	}
	for name, c := range map[string]struct{ got, want []string }{
		"routes": {
			routes(asRoutes("10.50.0.0/16 via 10.0.0.2 dev e0 src 10.0.0.1 metric 5 table 7 protocol 33 mtu 1400 advmss 1300 onlink",
				"10.52.0.0/16 nexthop via 10.0.0.2 dev e0 weight 3 nexthop via fe80::2 dev e1 weight 4", "src 10.0.0.1 to 10.54.0.0/16 dev e0",
				"blackhole 10.53.0.0/16 metric 2", "10.55.0.0/16 gw 10.0.0.2 dev e0 no_track")),
			[]string{"prepend 10.50.0.0/16 src 10.0.0.1 via inet 10.0.0.2 dev e0 table 7 proto 33 metric 5 onlink mtu 1400 advmss 1300",
				"prepend 10.52.0.0/16 proto 18 nexthop via inet 10.0.0.2 dev e0 weight 3 nexthop via inet6 fe80::2 dev e1 weight 4 no_track",
				"prepend 10.54.0.0/16 src 10.0.0.1 dev e0 proto 18", "add blackhole 10.53.0.0/16 proto 18 metric 2 no_track",
				"prepend 10.55.0.0/16 via inet 10.0.0.2 dev e0 proto 18 no_track"},
		},
		"rules": {
			rules(asRoutes("from 10.0.0.101 to 10.9.0.0/16 table 100 preference 77 fwmark 3/7 iif e0 oif e1 tos 4 suppress_prefixlength 3",
				"to 10.9.0.0/16 lookup 101 priority 78", "from 10.0.0.101 blackhole priority 79", "from 10.0.0.102 goto 80 priority 70",
				"not from 10.0.0.101 table 100 priority 80 uidrange 3-4 sport 3-5 realms 4/5")),
			[]string{"from 10.0.0.101 to 10.9.0.0/16 priority 77 tos 0x4 fwmark 0x3/0x7 iif e0 oif e1 suppress_prefixlen 3 protocol 18 lookup 100",
				"from all to 10.9.0.0/16 priority 78 tos 0x0 protocol 18 lookup 101",
				"from 10.0.0.101 priority 79 tos 0x0 protocol 18 type blackhole", "from 10.0.0.102 priority 70 tos 0x0 protocol 18 goto 80",
				"not from 10.0.0.101 priority 80 tos 0x0 uidrange 3-4 protocol 18 sport 3-5 realms 4/5 lookup 100"},
		},
	} {
		for i, want := range c.want {
			if c.got[i] != want {
				t.Errorf("%s:\n%s\n%s", name, c.got[i], want)
			}
		}
	}
}

// In FAULT an instance wants nothing else, and waits for nothing.
func TestFault(t *testing.T) {
	c, s := sample()
	s.Routers[0].State, s.Routers[0].Faults, s.Routers[0].Addresses = "FAULT", 1, false
	text := string(Data(c, s, &Options{IDs: func(string, string) string { return "0:0" }}))
	for _, want := range []string{"   Flags: none\n   Wantstate = FAULT\n", "   Number of interface and track script faults = 1\n", "   Read timeout = DISABLED\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %q in:\n%s", want, text)
		}
	}
	if !strings.Contains(string(JSON(c, s)), `"state":3,"wantstate":3,`) {
		t.Error("JSON says otherwise")
	}
}
