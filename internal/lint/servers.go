package lint

import (
	"fmt"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// serverRules look at real servers that do not serve as somebody meant them to.
var serverRules = []Rule{
	{
		ID: "HF142", Severity: diag.Warning, Title: "Thresholds that IPVS refuses",
		Explanation: `A server with uthreshold connections gets no new ones until it has lthreshold or less. IPVS takes no server whose
lthreshold is more than its uthreshold, also where there is no uthreshold: the server is never added.`,
		file: crossedThresholds,
	},
	{
		ID: "HF143", Severity: diag.Warning, Title: "A virtual server that is its own real server",
		Explanation: `The embedded director connects to its real servers as any client would. If one of them has the virtual server's address
and port, it connects to itself, again and again, until the bound of its connections is reached.`,
		file: selfServing,
	},
	{
		ID: "HF144", Severity: diag.Warning, Title: "A path that does not begin with /",
		Explanation: `The path of a url is asked for as it is written. Most servers answer what does not begin with / with status 400, so that
the check fails (RFC 9112 section 3.2).`,
		file: rootless,
	},
}

func crossedThresholds(s *subject, say sayer) {
	if !s.mayBeIPVS() {
		return
	}
	for _, v := range s.VirtualServers {
		for _, r := range v.Servers {
			if r.LowerThreshold > r.UpperThreshold {
				say(finding{pos: r.Pos, keyword: "lthreshold", message: fmt.Sprintf("lthreshold %d of %s is more than its uthreshold %d, IPVS takes no such server", r.LowerThreshold, serverName(r), r.UpperThreshold),
					expected: "uthreshold, and an lthreshold below it"})
			}
		}
	}
}

func selfServing(s *subject, say sayer) {
	if s.Global.Director != "proxy" {
		return
	}
	for _, v := range s.VirtualServers {
		for _, r := range v.Servers {
			if v.Addr.IsValid() && r.Addr == v.Addr && r.Port == v.Port {
				say(finding{pos: r.Pos, message: fmt.Sprintf("%s is %s itself, which would connect to itself without end", serverName(r), serviceName(v)),
					expected: "another address, or another port"})
			}
		}
	}
}

func rootless(s *subject, say sayer) {
	for _, v := range s.VirtualServers {
		for _, r := range v.Servers {
			for _, c := range r.Checkers {
				if c.HTTP == nil {
					continue
				}
				for i := range c.HTTP.URLs {
					if p := c.HTTP.URLs[i].Path; !strings.HasPrefix(p, "/") && !strings.Contains(p, "://") && p != "*" {
						say(finding{pos: c.Pos, keyword: "path", message: fmt.Sprintf("path %s of %s does not begin with /, most servers answer with status 400", p, c.Kind),
							expected: "path /" + p})
					}
				}
			}
		}
	}
}
