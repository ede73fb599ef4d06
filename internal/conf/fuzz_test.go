package conf

import (
	"testing"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// FuzzParse: no text makes Load panic, and none goes without a verdict: the
// configuration is there, and every diagnostic says what and where.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"global_defs {\n router_id a\n vrrp_version 3\n}\n",
		"vrrp_instance V {\n state MASTER\n interface lo\n virtual_router_id 5\n priority 150\n advert_int 0.5\n authentication {\n auth_type PASS\n auth_pass x\n }\n virtual_ipaddress {\n 10.0.0.1/24 dev lo label lo:1\n fe80::1\n }\n track_interface { lo weight 10 }\n unicast_peer { 10.0.0.2 }\n notify \"/bin/true 'a b'\" root\n}\n",
		"vrrp_script s {\n script \"/bin/true\"\n interval 1\n weight -10\n}\nvrrp_sync_group G {\n group { V }\n}\n",
		"virtual_server 10.0.0.1 80 {\n delay_loop 6\n lb_algo wrr\n lb_kind DR\n protocol TCP\n sorry_server 10.0.0.9 80\n real_server 10.0.1.1 80 {\n weight 2\n HTTP_GET {\n url {\n path /\n status_code 200\n }\n }\n }\n real_server 10.0.1.2 80 {\n TCP_CHECK {\n connect_timeout 3\n }\n MISC_CHECK {\n misc_path /bin/true\n }\n }\n}\n",
		"virtual_server_group g {\n 10.0.0.1-10 80\n fwmark 3\n}\nvirtual_server group g {\n}\n",
		"vrrp_instance V {\nvirtual_ipaddress {\n 10.0.0.500\n}\nfoo {\n bar\n}\n}\n}\n",
		"$A=vrrp_instance\n$A V${_PWD} {\n ~SEQ(N,1,3) virtual_router_id ${N}\n @x priority 7\n}\n",
		"static_ipaddress {\n 10.0.0.1 dev lo\n}\nstatic_routes {\n 10.0.0.0/8 via 10.0.0.1\n}\nvrrp_track_process p {\n process a b\n}\nbfd_instance b {\n neighbor_ip 1.2.3.4\n}\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return // long ones only take longer
		}
		c, found := Load(texts{"f": text}, "f", Options{ConfigID: "vm", System: machine{}})
		if c == nil {
			t.Fatal("no configuration")
		}
		for _, d := range found {
			if d.ID == "" || d.Message == "" || d.Span.File == "" || d.Span.Line < 0 || d.String() == "" {
				t.Fatalf("%+v", d)
			}
		}
		_ = diag.JSON(found)
	})
}
