package conf_test

import (
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// What a virtual server says of itself only is no name of anything else's, and
// all of it may stand in one.
func TestLocal(t *testing.T) {
	for _, k := range strings.Fields("real_server weight TCP_CHECK connect_timeout url lb_algo quorum delay_loop") {
		if !conf.Local(k) || !conf.OfServer(k) {
			t.Errorf("%s: local %v, of a server %v", k, conf.Local(k), conf.OfServer(k))
		}
	}
	for _, k := range strings.Fields("notify_up quorum_down misc_path bind_if track_file drain check_path tls_ca host BFD_CHECK") {
		if conf.Local(k) || !conf.OfServer(k) {
			t.Errorf("%s: local %v, of a server %v", k, conf.Local(k), conf.OfServer(k))
		}
	}
	for _, k := range strings.Fields("virtual_server vrrp_instance interface global_defs router_id") {
		if conf.Local(k) || conf.OfServer(k) {
			t.Errorf("%s: local %v, of a server %v", k, conf.Local(k), conf.OfServer(k))
		}
	}
}
