package dump

import (
	"fmt"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/conf"
)

// checkers are the health checks of all real servers.
func (p *printer) checkers(all []api.Service) {
	titled := false
	for _, v := range p.conf.VirtualServers {
		service := find(all, serviceName(v), func(s *api.Service) string { return s.Name })
		for _, rs := range v.Servers {
			server := serverState(service, v, rs)
			for i, k := range rs.Checkers {
				if !titled {
					p.line("------< Health checkers >------")
					titled = true
				}
				p.line(" %s -> %s", serviceName(v), serverName(v, rs))
				if server != nil && i < len(server.Checks) {
					c := &server.Checks[i]
					p.line("   Enabled = yes")
					p.line("   Up = %s", yes(c.Up, "yes", "no"))
					p.line("   Has run = %s", yes(c.Last.IsZero(), "no", "yes"))
				}
				p.checker(k, rs)
			}
		}
	}
}

func (p *printer) checker(k *conf.Checker, rs *conf.RealServer) {
	p.line("   Alpha = %s", yes(k.Alpha, "yes", "no"))
	p.line("   Delay loop = %s", micros(k.DelayLoop))
	p.line("   Warmup = %s", micros(k.Warmup))
	p.line("   Retries = %d", k.Retry)
	if k.Retry > 0 {
		p.line("   Delay before retry = %s", micros(k.DelayBeforeRetry))
	}
	p.line("   Log all failures = %s", yes(k.LogAllFailures, "yes", "no"))
	if k.Misc == nil {
		p.connection(k)
	}
	switch {
	case k.HTTP != nil:
		p.http(k, rs)
	case k.Misc != nil:
		p.line("   Keepalive method = %s", k.Kind)
		p.line("   script = %s", quoted(k.Misc.Command.Argv))
		p.line("   timeout = %s", seconds(k.Misc.Timeout))
		p.line("   dynamic = %s", yes(k.Misc.Dynamic, "YES", "NO"))
		p.line("   uid:gid = %s", p.ids(k.Misc.Command.User, k.Misc.Command.Group))
	default:
		p.line("   Keepalive method = %s", k.Kind)
	}
}

func micros(d time.Duration) string { return fmt.Sprintf("%d us", d.Microseconds()) }

func (p *printer) connection(k *conf.Checker) {
	p.line("   Connection")
	p.line("     Dest = [%s]:%d", k.ConnectIP, k.ConnectPort)
	if k.BindTo.IsValid() {
		bind := fmt.Sprintf("[%s]", k.BindTo)
		if k.BindPort != 0 {
			bind += fmt.Sprintf(":%d", k.BindPort)
		}
		p.line("     Bind to = %s", bind)
	}
	if k.FWMark != 0 {
		p.line("     Mark = %d", k.FWMark)
	}
	p.line("     Timeout = %s", six(k.ConnectTimeout))
}

func (p *printer) http(k *conf.Checker, rs *conf.RealServer) {
	h := k.HTTP
	p.line("   Keepalive method = %s, http protocol %s", k.Kind, h.Protocol)
	if h.VirtualHost != rs.VirtualHost {
		p.line("   Virtualhost = %s", h.VirtualHost)
	}
	p.line("   Enable SNI %s", yes(h.SNI, "set", "unset"))
	p.line("   Fast recovery %s", yes(h.FastRecovery, "set", "unset"))
	for _, u := range h.URLs {
		p.line("   Checked url = %s", u.Path)
		if u.Digest != "" {
			p.line("     digest = %s", u.Digest)
		}
		p.line("     HTTP Status Code(s)")
		for _, s := range u.Status {
			p.line("       %s", yes(s.From == s.To, fmt.Sprint(s.From), fmt.Sprintf("%d-%d", s.From, s.To)))
		}
		if len(u.Status) == 0 {
			p.line("       200-299") // what none means
		}
		if u.VirtualHost != "" {
			p.line("     Virtual host = %s", u.VirtualHost)
		}
		if u.Regex != "" {
			p.line("     Regex = \"%s\"", u.Regex)
			if u.RegexNoMatch {
				p.line("     Regex no match")
			}
			p.line("     Regex options:")
			p.line("     Regex ref count = 1")
		}
	}
}
