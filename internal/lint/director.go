package lint

import (
	"fmt"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// directorRules look at what only one of the directors can do (docs/proxy.md).
var directorRules = []Rule{
	{
		ID: "HF137", Severity: diag.Warning, Title: "What the embedded director cannot do",
		Explanation: `With lvs_director proxy there is no kernel that could take any packet: firewall marks, port 0 (all ports) and SCTP do not
exist for it, and such a service is not offered. lblc, lblcr and twos are replaced by wlc. Use lvs_director ipvs, or services
of one address, port and protocol each.`,
		file: beyondProxy,
	},
	{
		ID: "HF138", Severity: diag.Warning, Title: "A keyword of the embedded director without it",
		Explanation: `proxy_protocol, proxy_source and proxy_max_connections are for lvs_director proxy. The kernel's IPVS leaves them out: a server that
expects a header of the PROXY protocol gets none and refuses its clients. With lvs_director auto it depends on the machine.`,
		file: noProxy,
	},
}

func beyondProxy(s *subject, say sayer) {
	if s.Global.Director != "proxy" {
		return
	}
	for _, v := range s.VirtualServers {
		why, keyword := "", "virtual_server"
		switch {
		case v.FWMark != 0:
			why = "is a firewall mark, which the embedded director does not know"
		case v.Group == "" && v.Port == 0:
			why = "is for all ports, which the embedded director cannot take"
		case v.Protocol == "SCTP":
			why, keyword = "is SCTP, which the embedded director does not speak", "protocol"
		case v.Scheduler == "lblc", v.Scheduler == "lblcr", v.Scheduler == "twos":
			why, keyword = "gets lb_algo wlc instead of "+v.Scheduler+", which the embedded director does not have", "lb_algo"
		default:
			continue
		}
		say(finding{pos: v.Pos, keyword: keyword, message: serviceName(v) + " " + why,
			expected: "lvs_director ipvs, or another service"})
	}
}

func noProxy(s *subject, say sayer) {
	d := s.Global.Director
	if d == "proxy" || d == "none" {
		return
	}
	for _, v := range s.VirtualServers {
		keyword, at := "", v.Pos
		switch {
		case v.ProxyProtocol != 0:
			keyword = "proxy_protocol"
		case v.ProxyTransparent:
			keyword = "proxy_source"
		case v.ProxyMaxConnections != 0:
			keyword = "proxy_max_connections"
		default:
			r := introduced(v)
			if r == nil {
				continue
			}
			keyword, at = "proxy_protocol", r.Pos
		}
		say(finding{pos: at, keyword: keyword, message: fmt.Sprintf("%s of %s does nothing with IPVS", keyword, serviceName(v)),
			expected: "lvs_director proxy"})
	}
}

// introduced is the first real server that is to get a header.
func introduced(v *conf.VirtualServer) *conf.RealServer {
	for _, r := range v.Servers {
		if r.ProxyProtocol != 0 {
			return r
		}
	}
	return nil
}
