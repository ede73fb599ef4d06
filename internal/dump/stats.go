package dump

import "fmt"

// stat is one counter, by keepalived's name in JSON and in text.
type stat struct{ json, text string }

// stats are those of an instance, in the order of keepalived.stats.
var stats = []struct {
	title string
	of    []stat
}{
	{"Advertisements", []stat{{"advert_rcvd", "Received"}, {"advert_sent", "Sent"}}},
	{"", []stat{{"become_master", "Became master"}, {"release_master", "Released master"}}},
	{"Packet Errors", []stat{
		{"packet_len_err", "Length"}, {"ip_ttl_err", "TTL"}, {"invalid_type_rcvd", "Invalid Type"},
		{"advert_interval_err", "Advertisement Interval"}, {"addr_list_err", "Address List"},
	}},
	{"Authentication Errors", []stat{{"invalid_authtype", "Invalid Type"}, {"authtype_mismatch", "Type Mismatch"}, {"auth_failure", "Failure"}}},
	{"Priority Zero", []stat{{"pri_zero_rcvd", "Received"}, {"pri_zero_sent", "Sent"}}},
}

// Stats is keepalived.stats.
func Stats(s *VRRP) []byte {
	var p printer
	for i := range s.Routers {
		r := &s.Routers[i]
		p.line("VRRP Instance: %s", r.Name)
		for _, part := range stats {
			indent := "  "
			if part.title != "" {
				p.line("  %s:", part.title)
				indent = "    "
			}
			for _, c := range part.of {
				p.line("%s%s: %d", indent, c.text, r.Counters[c.json])
			}
		}
	}
	return []byte(p.String())
}

// jsonStats are the counters of keepalived.json, in its order; those of
// auth_ext came with 2.4.
var jsonStats = []string{
	"advert_rcvd", "advert_sent", "become_master", "release_master", "packet_len_err", "advert_interval_err",
	"ip_ttl_err", "invalid_type_rcvd", "addr_list_err", "invalid_authtype", "authtype_mismatch", "auth_failure",
	"auth_ext_missing", "auth_ext_malformed", "auth_ext_unknown_key", "auth_ext_invalid_hmac", "auth_ext_stale", "auth_ext_replay",
	"pri_zero_rcvd", "pri_zero_sent",
}

func (r *Router) jsonStats() object {
	var o object
	for _, name := range jsonStats {
		o.raw(name, fmt.Sprint(r.Counters[name]))
	}
	return o
}
