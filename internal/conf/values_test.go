package conf

import (
	"reflect"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// What keepalived 2.2.7 shows of these instances in keepalived.data.
func TestInstanceDefaults(t *testing.T) {
	c, _ := load(t, `
vrrp_instance plain {
 interface eth0
 virtual_router_id 5
 garp_master_delay 9
 garp_master_repeat 4
 virtual_ipaddress {
  10.9.0.100
 }
}
vrrp_instance wrong {
 interface eth0
 virtual_router_id 7
 state MASTER
 priority bad
 virtual_ipaddress {
  10.9.0.102/24
 }
}
vrrp_instance strict {
 interface eth0
 virtual_router_id 8
 strict_mode
 virtual_ipaddress {
  10.9.0.103/24
 }
}
vrrp_instance owner {
 interface eth0
 virtual_router_id 9
 priority 255
 nopreempt
 advert_int 1.6
 virtual_ipaddress {
  10.9.0.104/24
 }
}
vrrp_instance fine {
 interface eth0
 virtual_router_id 10
 version 3
 state MASTER
 priority 200
 advert_int 0.123
 virtual_ipaddress {
  10.9.0.105/24
 }
}
vrrp_instance six {
 interface eth0
 virtual_router_id 6
 state MASTER
 virtual_ipaddress {
  fe80::5
 }
}
`)
	if len(c.Instances) != 6 {
		t.Fatalf("%d instances", len(c.Instances))
	}
	type shown struct {
		version, family, priority       int
		master, accept, nopreempt       bool
		advert                          time.Duration
		delay, lowerDelay               time.Duration
		repeat, lowerRepeat             int
		silentOnLower, answerOnHigher   bool
		refresh                         time.Duration
		refreshRepeat, downTimerAdverts int
	}
	want := map[string]shown{
		"plain":  {2, 4, 100, false, true, false, time.Second, 9 * time.Second, 5 * time.Second, 4, 5, false, false, 0, 1, 3},
		"wrong":  {2, 4, 100, true, true, false, time.Second, 5 * time.Second, 5 * time.Second, 5, 5, false, false, 0, 1, 3},
		"strict": {2, 4, 100, false, false, false, time.Second, 5 * time.Second, 0, 5, 0, true, false, 0, 1, 3},
		"owner":  {2, 4, 255, true, true, false, 2 * time.Second, 5 * time.Second, 5 * time.Second, 5, 5, false, false, 0, 1, 3},
		"fine":   {3, 4, 200, true, true, false, 120 * time.Millisecond, 5 * time.Second, 5 * time.Second, 5, 5, false, false, 0, 1, 3},
		"six":    {3, 6, 255, true, true, false, time.Second, 5 * time.Second, 5 * time.Second, 5, 5, false, false, 0, 1, 3},
	}
	for _, i := range c.Instances {
		g := i.GARP
		got := shown{i.Version, i.Family, i.Priority, i.StateMaster, i.Accept, i.NoPreempt, i.AdvertInt, g.MasterDelay, g.LowerPrioDelay,
			g.MasterRepeat, g.LowerPrioRepeat, i.LowerPrioNoAdvert, i.HigherPrioSendAdvert, g.Refresh, g.RefreshRepeat, i.DownTimerAdverts}
		if got != want[i.Name] {
			t.Errorf("%s\n got %+v\nwant %+v", i.Name, got, want[i.Name])
		}
	}
}

func TestGlobalsReachInstances(t *testing.T) {
	c, _ := load(t, `
vrrp_instance a {
 interface eth0
 virtual_router_id 5
 garp_master_delay 9
 garp_master_repeat 4
 higher_prio_send_advert off
 virtual_ipaddress {
  10.9.0.100
 }
}
global_defs {
 vrrp_garp_master_delay 7
 vrrp_garp_master_repeat 2
 vrrp_garp_lower_prio_repeat 3
 vrrp_garp_master_refresh 60
 vrrp_higher_prio_send_advert
 vrrp_down_timer_adverts 4
 vrrp_version 3
 vrrp_mcast_group4 224.0.0.99
}
`)
	i := c.Instances[0]
	want := GARP{MasterDelay: 9 * time.Second, MasterRepeat: 4, Refresh: time.Minute, RefreshRepeat: 1, LowerPrioDelay: 7 * time.Second, LowerPrioRepeat: 3}
	if i.GARP != want {
		t.Errorf("GARP %+v, want %+v", i.GARP, want)
	}
	if i.HigherPrioSendAdvert || i.DownTimerAdverts != 4 || i.Version != 3 || i.McastDst.String() != "224.0.0.99" {
		t.Errorf("%+v", i)
	}
	if c.Global.RouterID != "lab.example.org" {
		t.Errorf("router_id %q", c.Global.RouterID)
	}
}

const inherited = `
virtual_server 10.1.0.1 80 {
 delay_loop 7
 retry 4
 protocol TCP
 lb_algo sh
 sh-port
 lb_kind NAT
 weight 3
 virtualhost vs.example.org
 quorum_up "/bin/true 'a b' c\ d" root
 real_server 10.1.0.2 8080 {
  delay_before_retry 2
  HTTP_GET {
   url {
    path /
    status_code 200 301-302
   }
   url {
    path /b
    virtualhost url.example.org
    digest 640205B7B0FC66C1EA91C463FAC6334D
   }
   connect_timeout 1.5
  }
  MISC_CHECK {
   misc_path "/bin/true -x"
   misc_timeout 4
   retry 0
   user root
  }
 }
 real_server 10.1.0.3 {
  weight 0
  delay_loop 9
  connect_timeout 2
  alpha
  TCP_CHECK {
   connect_port 22
   warmup 0
  }
 }
 real_server 10.1.0.4 80 {
  weight 9
 }
 sorry_server 10.1.0.9
}
virtual_server 10.1.0.1 53 {
 protocol UDP
 lb_algo rr
 lb_kind DR
 real_server 10.1.0.2 53 {
  SSL_GET {
   url {
    path /
   }
  }
  MISC_CHECK {
   misc_path /bin/true
  }
  TCP_CHECK {
  }
 }
}
`

func TestCheckersInherit(t *testing.T) {
	c, found := Load(texts{"f": inherited}, "f", Options{})
	if found.Count(diag.Warning) > 0 {
		t.Fatal(ids(found, diag.Warning))
	}
	type timing struct {
		loop, connect, before, warmup time.Duration
		retry                         int
		port                          uint16
		alpha                         bool
	}
	const s = time.Second
	want := [][]timing{
		{{7 * s, 1500 * time.Millisecond, 2 * s, 7 * s, 4, 8080, false}, {7 * s, 5 * s, 2 * s, 7 * s, 0, 8080, false}},
		{{9 * s, 2 * s, s, 0, 4, 22, true}},
		nil,
		{{60 * s, 5 * s, 3 * s, 60 * s, 1, 53, false}, {60 * s, 5 * s, s, 60 * s, 0, 53, false}, {60 * s, 5 * s, s, 60 * s, 1, 53, false}},
	}
	var got [][]timing
	for _, v := range c.VirtualServers {
		for _, rs := range v.Servers {
			var of []timing
			for _, k := range rs.Checkers {
				of = append(of, timing{k.DelayLoop, k.ConnectTimeout, k.DelayBeforeRetry, k.Warmup, k.Retry, k.ConnectPort, k.Alpha})
				if k.ConnectIP != rs.Addr {
					t.Errorf("%s checks %s", rs.Addr, k.ConnectIP)
				}
			}
			got = append(got, of)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %v\nwant %v", got, want)
	}
	v := c.VirtualServers[0]
	if w := []int{v.Servers[0].Weight, v.Servers[1].Weight, v.Servers[2].Weight}; !reflect.DeepEqual(w, []int{3, 0, 9}) {
		t.Errorf("weights %v", w)
	}
	if v.Servers[1].Port != 80 || v.Sorry.Port != 80 {
		t.Errorf("ports %d and %d follow the virtual server's", v.Servers[1].Port, v.Sorry.Port)
	}
	if !reflect.DeepEqual(v.QuorumUp.Argv, []string{"/bin/true", "a b", "c", "d"}) || v.QuorumUp.User != "root" {
		t.Errorf("quorum_up %q as %s", v.QuorumUp.Argv, v.QuorumUp.User)
	}
	h := v.Servers[0].Checkers[0].HTTP
	if h.VirtualHost != "vs.example.org" || h.URLs[1].VirtualHost != "url.example.org" || h.URLs[1].Digest != "640205b7b0fc66c1ea91c463fac6334d" ||
		!reflect.DeepEqual(h.URLs[0].Status, []StatusRange{{200, 200}, {301, 302}}) {
		t.Errorf("%+v", h)
	}
	if m := v.Servers[0].Checkers[1].Misc; !reflect.DeepEqual(m.Command.Argv, []string{"/bin/true", "-x"}) || m.Timeout != 4*s || m.Command.User != "root" {
		t.Errorf("%+v", m)
	}
}
