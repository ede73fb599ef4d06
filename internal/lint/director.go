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
		Explanation: `proxy_protocol, proxy_source and proxy_max_connections (of a virtual_server, and of global_defs) are for lvs_director proxy. The
kernel's IPVS leaves them out: a server that expects a header of the PROXY protocol gets none and refuses its clients, and nothing
bounds the connections but uthreshold. With lvs_director auto it depends on the machine.`,
		file: noProxy,
	},
}

// privilegeRules look at what whoever asks may do.
var privilegeRules = []Rule{
	{
		ID: "HF140", Severity: diag.Warning, Title: "Connecting from clients' addresses without the right to",
		Explanation: `proxy_source client takes CAP_NET_ADMIN or CAP_NET_RAW: without them the service is not offered at all. Start the daemon as root,
or give its user the capability (AmbientCapabilities=CAP_NET_RAW in the systemd unit, --cap-add NET_RAW for a container); or say
proxy_protocol instead, which takes no privilege. Whoever asks is looked at, so ask as the user that the daemon will be, in its
container; check --elsewhere does not look. The answers of the servers must come back to this machine too (docs/proxy.md).`,
		file: noDisguise,
	},
}

// proxyRules look at what of the embedded director has no effect with it.
var proxyRules = []Rule{
	{
		ID: "HF141", Severity: diag.Warning, Title: "A bound of a service's connections that is never reached",
		Explanation: `The embedded director holds as many connections of all services at once as proxy_max_connections in global_defs says, 100000 where it
says nothing, and no service ever comes to more. A proxy_max_connections of a virtual_server above that bounds nothing: one
service may take all connections, and the others get none. UDP sessions are not among them: 16384 of all services, always.`,
		file: aboveAll,
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

// mayBeIPVS: neither the proxy nor none is asked for.
func (s *subject) mayBeIPVS() bool {
	return s.Global.Director != "proxy" && s.Global.Director != "none"
}

func noProxy(s *subject, say sayer) {
	if !s.mayBeIPVS() {
		return
	}
	if s.Global.ProxyMaxConnections != 0 && len(s.VirtualServers) > 0 {
		say(finding{pos: s.VirtualServers[0].Pos, message: "proxy_max_connections of global_defs does nothing with IPVS",
			expected: "lvs_director proxy, or uthreshold in each real_server"})
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

func aboveAll(s *subject, say sayer) {
	if d := s.Global.Director; d == "ipvs" || d == "none" {
		return // it does nothing there (HF138)
	}
	most, expected := s.Global.ProxyMaxConnections, "fewer, or more in global_defs"
	if most == 0 {
		most = conf.DefaultProxyConnections
	}
	for _, v := range s.VirtualServers {
		most, what, expected := most, "connections", expected
		if v.Protocol == "UDP" {
			most, what, expected = conf.MaxProxySessions, "UDP sessions", "fewer"
		}
		if n := uint64(v.ProxyMaxConnections); n > uint64(most) { // positive
			say(finding{pos: v.Pos, keyword: "proxy_max_connections", expected: expected,
				message: fmt.Sprintf("%s never has %d %s: all services together have %d at most", serviceName(v), n, what, most)})
		}
	}
}

func noDisguise(s *subject, say sayer) {
	d, can := s.system.(conf.Disguiser)
	if s.Global.Director == "ipvs" || s.Global.Director == "none" || !can {
		return
	}
	for _, v := range s.VirtualServers {
		if v.ProxyTransparent && !d.MayDisguise() {
			say(finding{pos: v.Pos, keyword: "proxy_source", message: serviceName(v) + " is not offered: proxy_source client takes CAP_NET_ADMIN or CAP_NET_RAW, which whoever asks does not have",
				expected: "a daemon with one of them, or proxy_protocol"})
		}
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
