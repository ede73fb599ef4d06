package lint

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// lvsRules look at the virtual servers of one configuration.
var lvsRules = []Rule{
	{
		ID: "HF121", Severity: diag.Warning, Title: "A virtual server without any checker",
		Explanation: `Nobody asks whether the real servers are well, so a dead one keeps its share of the connections. Give each real_server a
checker: TCP_CHECK is the least, HTTP_GET or MISC_CHECK ask the service itself. PING_CHECK knows only that the machine is there.`,
		file: noChecker,
	},
	{
		ID: "HF122", Severity: diag.Warning, Title: "A real server without a checker beside others that have one",
		Explanation: `The other real servers of this virtual server are checked, this one is not: it is in use whatever happens to it. Mostly the
block was forgotten. If it is meant so, silence this.`,
		file: uncheckedServer,
	},
	{
		ID: "HF123", Severity: diag.Notice, Title: "Retries that outlast the delay loop",
		Explanation: `A check begins every delay_loop; an attempt that fails is repeated retry times, each may take connect_timeout, with
delay_before_retry between them. If that takes longer than delay_loop, a failure is noticed much later than delay_loop suggests:
after up to delay_loop + (retry + 1) × connect_timeout + retry × delay_before_retry. A shorter connect_timeout mostly helps:
who needs more than a second to accept a connection is not well.`,
		file: longRetries,
	},
	{
		ID: "HF124", Severity: diag.Warning, Title: "A sorry server that is also a real server",
		Explanation: `The sorry server answers when no real server can. If it is one of them, it is down at that moment as well, or it gets all
connections although its checks fail. Give the sorry_server an address or a port of its own.`,
		file: sorryIsReal,
	},
	{
		ID: "HF125", Severity: diag.Notice, Title: "A virtual_server_group that is not used",
		Explanation: `No virtual_server group names it, so its addresses are not served.`,
		file:        idleGroup,
	},
	{
		ID: "HF126", Severity: diag.Notice, Title: "Idle connections are forgotten before keepalives come",
		Explanation: `IPVS forgets a TCP connection that carried nothing for its timeout, 900 s unless lvs_timeouts tcp says otherwise. TCP
keepalives come after tcp_keepalive_time, 7200 s on most systems. So with NAT a connection that idles in between (a database
pool, an SSH session, AMQP) hangs or is reset when it is used again. Set lvs_timeouts tcp above 7200, or have the servers
send keepalives sooner. Nothing is said of web, mail and name servers, which end idle connections within minutes, unless
lvs_timeouts is shorter than the kernel's 900 s.`,
		file: shortTimeout,
	},
	{
		ID: "HF127", Severity: diag.Warning, Title: "A firewall mark used twice",
		Explanation: `IPVS knows one service for each mark and address family. holdfast serves the first virtual server of a mark and leaves the
others out; the servers of those get nothing.`,
		file: markTwice,
	},
	{
		ID: "HF128", Severity: diag.Warning, Title: "A virtual server defined twice",
		Explanation: `IPVS knows one service for each address, port and protocol. holdfast serves the first virtual server and leaves the others
out. Put all real servers into one block.`,
		file: serviceTwice,
	},
	{
		ID: "HF129", Severity: diag.Notice, Title: "A virtual server at an address that no instance has",
		Explanation: `The file has virtual routers, and none of them brings this address to the machine. If the address is there in another way
(on the loopback, routed, by another file) all is well; otherwise one of the two addresses is mistyped.`,
		file: foreignService,
	},
	{
		ID: "HF130", Severity: diag.Warning, Title: "Weights that the scheduler does not look at",
		Explanation: `rr, lc and dh treat all real servers alike, except that weight 0 gets nothing. Weights that differ ask for wrr or wlc.`,
		file:        ignoredWeights,
	},
}

const (
	// kernelTimeout is IPVS's timeout of established TCP connections
	// (ip_vs_proto_tcp.c, tcp_timeouts).
	kernelTimeout = 900 * time.Second
	// keepaliveTime is the usual net.ipv4.tcp_keepalive_time (tcp(7)).
	keepaliveTime = 7200 * time.Second
)

// unchecked are the real servers of v without a checker.
func unchecked(v *conf.VirtualServer) []*conf.RealServer {
	var out []*conf.RealServer
	for _, r := range v.Servers {
		if len(r.Checkers) == 0 {
			out = append(out, r)
		}
	}
	return out
}

func noChecker(s *subject, say sayer) {
	for _, v := range s.VirtualServers {
		if len(v.Servers) > 0 && len(unchecked(v)) == len(v.Servers) {
			say(finding{pos: v.Pos, message: serviceName(v) + " has no checker, dead servers stay in use", expected: "a checker such as TCP_CHECK in each real_server"})
		}
	}
}

func uncheckedServer(s *subject, say sayer) {
	for _, v := range s.VirtualServers {
		bad := unchecked(v)
		if len(bad) == len(v.Servers) {
			continue
		}
		for _, r := range bad {
			say(finding{pos: r.Pos, message: serverName(r) + " has no checker, others of " + serviceName(v) + " have", expected: "a checker, as the others have"})
		}
	}
}

// longRetries says it once for each virtual server, of the slowest checker.
func longRetries(s *subject, say sayer) {
	for _, v := range s.VirtualServers {
		var worst *conf.Checker
		for _, r := range v.Servers {
			for _, k := range r.Checkers {
				if time.Duration(max(k.Retry, 0))*attempt(k) > k.DelayLoop && (worst == nil || notices(k) > notices(worst)) {
					worst = k
				}
			}
		}
		if worst != nil {
			say(finding{pos: worst.Pos, message: fmt.Sprintf("%s may notice a dead server only after %s (delay_loop %s, %d retries of %s with %s between)",
				worst.Kind, seconds(notices(worst)), seconds(worst.DelayLoop), worst.Retry, seconds(attempt(worst)), seconds(worst.DelayBeforeRetry)),
				expected: "retries that fit into delay_loop"})
		}
	}
}

// attempt is how long one attempt may take.
func attempt(k *conf.Checker) time.Duration {
	if k.Misc != nil {
		if k.Misc.Timeout > 0 {
			return k.Misc.Timeout
		}
		return 0 // as long as delay_loop: then the retries are hardly meant to fit in
	}
	return k.ConnectTimeout
}

// notices is how long a failure may stay unnoticed.
func notices(k *conf.Checker) time.Duration {
	n := time.Duration(max(k.Retry, 0))
	return k.DelayLoop + (n+1)*attempt(k) + n*max(k.DelayBeforeRetry, 0)
}

func sorryIsReal(s *subject, say sayer) {
	for _, v := range s.VirtualServers {
		for _, r := range v.Servers {
			if v.Sorry != nil && r.Addr == v.Sorry.Addr && or(r.Port, v.Port) == or(v.Sorry.Port, v.Port) {
				say(finding{pos: v.Sorry.Pos, message: fmt.Sprintf("sorry_server %s is a real_server of %s as well (line %d)", r.Addr, serviceName(v), r.Pos.Line),
					expected: "a server that is well when the others are not"})
				break
			}
		}
	}
}

// shortTimeout speaks once for a file, and not of services whose connections
// are closed sooner by their servers.
func shortTimeout(s *subject, say sayer) {
	t := or(s.Global.LVSTimeouts.TCP, kernelTimeout)
	if t >= keepaliveTime {
		return
	}
	for _, v := range s.VirtualServers {
		if v.Protocol == "TCP" && v.Forward == "NAT" && len(v.Servers) > 0 && (t < kernelTimeout || idles(v)) {
			say(finding{pos: v.Pos, message: fmt.Sprintf("connections to %s that idle for %s are forgotten, before a TCP keepalive comes after %s", serviceName(v), seconds(t), seconds(keepaliveTime)),
				expected: "lvs_timeouts tcp 7201 or more in global_defs, where connections may idle"})
			return
		}
	}
}

// idles reports whether connections may carry nothing for long. Web, mail and
// name servers end such connections within minutes.
func idles(v *conf.VirtualServer) bool {
	switch v.Port {
	case 25, 53, 80, 443, 465, 587, 853, 8080, 8443:
		return false
	}
	for _, r := range v.Servers {
		for _, k := range r.Checkers {
			if k.HTTP != nil {
				return false
			}
		}
	}
	return true
}

// mark is a firewall mark as IPVS knows it.
type fwmark struct {
	number uint32
	family int
}

func markTwice(s *subject, say sayer) {
	first := map[fwmark]conf.Pos{}
	claim := func(m fwmark, pos conf.Pos) {
		if m.family == 0 {
			m.family = 4
		}
		if p, twice := first[m]; twice {
			say(finding{pos: pos, message: fmt.Sprintf("firewall mark %d has a virtual server already (line %d)", m.number, p.Line), expected: "another mark, or one block"})
			return
		}
		first[m] = pos
	}
	for _, v := range s.VirtualServers {
		switch {
		case v.FWMark != 0:
			claim(fwmark{v.FWMark, v.Family}, v.Pos)
		case v.Group != "":
			for _, m := range s.groupMembers(v) {
				if m.FWMark != 0 {
					claim(fwmark{m.FWMark, max(m.Family, v.Family)}, m.Pos)
				}
			}
		}
	}
}

// service is what IPVS tells services without marks apart by.
type service struct {
	addr     netip.Addr
	port     uint16
	protocol string
}

// serviceTwice compares addresses, and groups by where their ranges begin.
func serviceTwice(s *subject, say sayer) {
	first := map[service]conf.Pos{}
	claim := func(k service, pos conf.Pos) {
		if p, twice := first[k]; twice {
			say(finding{pos: pos, message: fmt.Sprintf("%s %s port %d has a virtual server already (line %d)", k.protocol, k.addr, k.port, p.Line), expected: "one block with all real servers"})
			return
		}
		first[k] = pos
	}
	for _, v := range s.VirtualServers {
		if v.Addr.IsValid() {
			claim(service{v.Addr, v.Port, v.Protocol}, v.Pos)
			continue
		}
		for _, m := range s.groupMembers(v) {
			if m.FWMark == 0 {
				claim(service{m.From, m.Port, v.Protocol}, m.Pos)
			}
		}
	}
}

func (s *subject) groupMembers(v *conf.VirtualServer) []conf.GroupMember {
	if g := s.groups[v.Group]; v.Group != "" && g != nil {
		return g.Members
	}
	return nil
}

func ignoredWeights(s *subject, say sayer) {
	better := map[string]string{"rr": "wrr", "lc": "wlc", "dh": "mh"}
	for _, v := range s.VirtualServers {
		b := better[v.Scheduler]
		if b == "" {
			continue
		}
		weight := 0
		for _, r := range v.Servers {
			if weight == 0 {
				weight = r.Weight
			}
			if r.Weight != 0 && r.Weight != weight {
				say(finding{pos: r.Pos, keyword: "weight", message: fmt.Sprintf("lb_algo %s of %s does not look at weights, and they differ", v.Scheduler, serviceName(v)),
					expected: "lb_algo " + b + ", or equal weights"})
				break
			}
		}
	}
}

func foreignService(s *subject, say sayer) {
	vips := map[netip.Addr]bool{}
	for _, i := range s.Instances {
		each(i, func(a conf.Address) { vips[a.Prefix.Addr()] = true })
	}
	if len(vips) == 0 {
		return
	}
	for _, a := range s.StaticAddresses {
		vips[a.Prefix.Addr()] = true
	}
	for _, v := range s.VirtualServers {
		if v.Addr.IsValid() && !vips[v.Addr] {
			say(finding{pos: v.Pos, message: fmt.Sprintf("%s is a virtual address of no vrrp_instance", v.Addr), expected: "an address that a vrrp_instance has"})
		}
	}
}

func idleGroup(s *subject, say sayer) {
	used := map[string]bool{}
	for _, v := range s.VirtualServers {
		used[v.Group] = true
	}
	for _, g := range s.ServerGroups {
		if !used[g.Name] {
			say(finding{pos: g.Pos, message: "virtual_server_group " + g.Name + " is used by no virtual_server", expected: "virtual_server group " + g.Name})
		}
	}
}
