package conf

import "github.com/holdfast-ha/holdfast/internal/conf/schema"

// Local reports whether a keyword of a virtual_server, or of a block in it,
// says nothing about any other: it names nothing that is defined elsewhere, it
// asks nothing of the machine, and nobody else looks at it. What a reload
// leaves as it is, and says only this, is not read again (package delta).
//
// What is not here is read; so a keyword is left out if in doubt: programs,
// files and interfaces, what is told of another block, and drain, whose
// longest counts for the daemon's end.
func Local(keyword string) bool {
	switch keyword {
	case "real_server", "ip_family", "protocol", "weight", "quorum", "hysteresis", "alpha", "omega",
		"lb_algo", "lvs_sched", "lb_kind", "lvs_method", "ops", "hashed", "sh-port", "sh-fallback", "mh-port", "mh-fallback",
		"flag-1", "flag-2", "flag-3", "persistence_timeout", "persistence_granularity", "persistence_engine",
		"sorry_server", "sorry_server_inhibit", "sorry_server_lvs_method", "inhibit_on_failure", "ha_suspend",
		"uthreshold", "lthreshold", "virtualhost", "smtp_alert", "snmp_name",
		"tier", "slow_start", "on_down", "panic_threshold", "max_eject",
		"proxy_protocol", "proxy_source", "proxy_max_connections":
		return true
	case "delay_loop", "connect_timeout", "retry", "delay_before_retry", "warmup", "rise", "fall", "log_all_failures",
		"connect_ip", "connect_port", "bindto", "bind_port", "fwmark":
		return true
	case "TCP_CHECK", "PING_CHECK",
		"HTTP_GET", "SSL_GET", "url", "path", "digest", "status_code", "http_protocol", "enable_sni", "fast_recovery", "tls_compliant",
		"regex", "regex_no_match", "regex_options", "regex_stack", "regex_min_offset", "regex_max_offset",
		"UDP_CHECK", "payload", "require_reply", "min_reply_length", "max_reply_length",
		"DNS_CHECK", "type", "name",
		"SMTP_CHECK", "helo_name":
		return true
	}
	return false
}

// OfServer reports whether a keyword may stand in a virtual_server, or in a
// block in it.
func OfServer(keyword string) (found bool) {
	serverBlock.Each(func(_ *schema.Block[loader], r *row) { found = found || r.Name == keyword })
	return found
}
