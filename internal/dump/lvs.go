package dump

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/conf"
)

// Check is keepalived_check.data. Without a state (nil) it says of the
// configuration what there is to say.
func Check(c *conf.Config, s []api.Service, o *Options) []byte {
	p := &printer{conf: c, opts: o}
	p.global()
	p.line("------< LVS Topology >------")
	for _, g := range c.ServerGroups {
		p.line(" ------< Virtual server group >------")
		p.serverGroup(g)
	}
	for _, v := range c.VirtualServers {
		p.virtualServer(v, find(s, serviceName(v), func(s *api.Service) string { return s.Name }))
	}
	p.checkers(s)
	return []byte(p.String())
}

// serviceName is what status calls a virtual server.
func serviceName(v *conf.VirtualServer) string {
	switch {
	case v.Group != "":
		return "[" + v.Group + "]:0"
	case v.FWMark != 0:
		return fmt.Sprintf("FWM %d", v.FWMark)
	}
	return fmt.Sprintf("[%s]:%s:%d", v.Addr, protocol(v), v.Port)
}

func serverName(v *conf.VirtualServer, rs *conf.RealServer) string {
	return fmt.Sprintf("[%s]:%s:%d", rs.Addr, protocol(v), rs.Port)
}

func protocol(v *conf.VirtualServer) string {
	return yes(v.Protocol == "", "none", strings.ToLower(v.Protocol))
}

func (p *printer) serverGroup(g *conf.ServerGroup) {
	four := slices.ContainsFunc(g.Members, func(m conf.GroupMember) bool { return m.From.Is4() || m.Family == 4 })
	six := slices.ContainsFunc(g.Members, func(m conf.GroupMember) bool { return m.From.Is6() || m.Family == 6 })
	p.line(" Virtual Server Group = %s, IPv4 = %s, IPv6 = %s", g.Name, yes(four, "yes", "no"), yes(six, "yes", "no"))
	for _, m := range g.Members {
		switch {
		case m.FWMark != 0:
			p.line("   FWMARK = %d", m.FWMark)
		case m.From != m.To:
			p.line("   VIP Range = %s-%s, VPORT = %d", m.From, m.To, m.Port)
		default:
			p.line("   VIP = %s, VPORT = %d", m.From, m.Port)
		}
	}
}

// forward is a forwarding method with the kind of a tunnel.
func forward(method string, t *conf.Tunnel) string {
	switch {
	case method != "TUN":
		return method
	case t == nil:
		return "TUN, type = IPIP"
	case t.Type == "gue":
		return fmt.Sprintf("TUN, type = GUE, port = %d%s", t.Port, checksums(t.Sum))
	}
	return "TUN, type = GRE" + checksums(t.Sum)
}

func checksums(word string) string {
	switch word {
	case "":
		return ", no checksum"
	case "csum":
		return ", checksum"
	case "remcsum":
		return ", remote checksum"
	}
	return ""
}

func (p *printer) virtualServer(v *conf.VirtualServer, s *api.Service) {
	p.line(" ------< Virtual server >------")
	switch {
	case v.Group != "":
		p.line(" VS GROUP = %s", serviceName(v))
	case v.FWMark != 0:
		p.line(" VS FWMARK = %d", v.FWMark)
	default:
		p.line(" VS VIP = %s, VPORT = %d", v.Addr, v.Port)
	}
	if v.VirtualHost != "" {
		p.line("   VirtualHost = %s", v.VirtualHost)
	}
	p.line("   Address family = %s", yes(v.Family == 6, "inet6", "inet"))
	p.line("   connection timeout = %s", six(v.ConnectTimeout))
	p.line("   delay_loop = %s", six(v.DelayLoop))
	p.line("   lvs_sched = %s", v.Scheduler)
	p.schedFlags(v)
	p.line("   One packet scheduling = %s", onOff(v.OnePacket))
	p.persistence(v)
	p.line("   protocol = %s", yes(v.Protocol == "", "none", v.Protocol))
	p.line("   alpha is %s", upper(v.Alpha))
	p.line("   omega is %s", upper(v.Omega))
	if v.Retry >= 0 {
		p.line("   Retry count = %d", v.Retry)
	}
	if v.DelayBeforeRetry >= 0 {
		p.line("   Retry delay = %s", six(v.DelayBeforeRetry))
	}
	if v.Warmup >= 0 {
		p.line("   Warmup = %s", six(v.Warmup))
	}
	p.line("   Inhibit on failure is %s", upper(v.InhibitOnFailure))
	p.line("   quorum = %d, hysteresis = %d", v.Quorum, v.Hysteresis)
	p.notifier("   Quorum up notify script", v.QuorumUp)
	p.notifier("   Quorum down notify script", v.QuorumDown)
	if v.HASuspend {
		p.line("   Using HA suspend")
	}
	p.line("   Using smtp notification = %s", yes(v.SMTPAlert.Or(p.conf.Global.Mail.MailServices()), "yes", "no"))
	p.line("   %s = %s", yes(v.Tunnel == nil, "default forwarding method", "forwarding method"), forward(v.Forward, v.Tunnel))
	p.sorry(v)
	if s != nil {
		alive := 0
		for i := range s.Servers {
			alive += yesInt(s.Servers[i].Up, 1, 0)
		}
		p.line("   alive = %d", yesInt(alive > 0, 1, 0))
		p.line("   quorum_state_up = %d", yesInt(s.HasQuorum, 1, 0))
	}
	for _, rs := range v.Servers {
		p.realServer(v, rs, serverState(s, v, rs))
	}
}

// serverState is what is known of a server, nil if nothing is.
func serverState(s *api.Service, v *conf.VirtualServer, rs *conf.RealServer) *api.Server {
	if s == nil {
		return nil
	}
	return find(s.Servers, serverName(v, rs), func(s *api.Server) string { return s.Name })
}

func upper(b bool) string { return yes(b, "ON", "OFF") }

// notifier is a line about a command, if there is one.
func (p *printer) notifier(label string, c *conf.Command) {
	if c != nil {
		p.line("%s = %s", label, p.command(c))
	}
}

// schedFlags are the scheduler's, which some call by names of their own.
func (p *printer) schedFlags(v *conf.VirtualServer) {
	names := []string{"flag-1", "flag-2", "flag-3"}
	switch v.Scheduler {
	case "sh", "mh":
		names = []string{v.Scheduler + "-port", v.Scheduler + "-fallback"}
	}
	p.line("   Hashed = %s", onOff(slices.Contains(v.SchedFlags, "hashed")))
	for _, n := range names {
		p.line("   %s = %s", n, onOff(slices.Contains(v.SchedFlags, n)))
	}
}

func (p *printer) persistence(v *conf.VirtualServer) {
	if v.Persistence != 0 {
		p.line("   persistence timeout = %s", seconds(v.Persistence))
	}
	if n := v.PersistGran; n != 0 {
		g := fmt.Sprint(n)
		if v.Family == 4 {
			m := ^uint32(0) << (32 - n)
			g = netip.AddrFrom4([4]byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)}).String()
		}
		p.line("   persistence granularity = %s", g)
	}
}

func (p *printer) sorry(v *conf.VirtualServer) {
	s := v.Sorry
	if s == nil {
		return
	}
	method, tunnel := s.Forward, s.Tunnel
	if method == "" {
		method, tunnel = v.Forward, v.Tunnel
	}
	p.line("   sorry server = %s", serverName(v, s))
	p.line("     forwarding method = %s", forward(method, tunnel))
	p.line("     Inhibit on failure is %s", upper(v.SorryInhibit))
}

func (p *printer) realServer(v *conf.VirtualServer, rs *conf.RealServer, s *api.Server) {
	weight := rs.Weight
	if s != nil {
		weight = s.Weight
	}
	p.line("   ------< Real server >------")
	p.line("   RIP = %s, RPORT = %d, WEIGHT = %d EFF WEIGHT = %d", rs.Addr, rs.Port, rs.Weight, weight)
	method, tunnel := rs.Forward, rs.Tunnel
	if method == "" {
		method, tunnel = v.Forward, v.Tunnel
	}
	p.line("   forwarding method = %s", forward(method, tunnel))
	p.line("   Alpha is %s", upper(rs.Alpha))
	p.line("   connection limit range = %d -> %d", rs.LowerThreshold, rs.UpperThreshold)
	p.line("   Inhibit on failure is %s", upper(rs.InhibitOnFailure))
	if rs.VirtualHost != v.VirtualHost {
		p.line("     VirtualHost = '%s'", rs.VirtualHost)
	}
	p.notifier("     RS up notify script", rs.NotifyUp)
	p.notifier("     RS down notify script", rs.NotifyDown)
	p.line("   Using smtp notification = %s", yes(rs.SMTPAlert.Or(p.conf.Global.Mail.MailServers()), "yes", "no"))
	p.line("   initial weight = %d", rs.Weight)
	if s == nil {
		return
	}
	failed := 0
	for i := range s.Checks {
		failed += yesInt(s.Checks[i].Up, 0, 1)
	}
	p.line("   effective weight = %d", s.Weight)
	p.line("   alive = %d", yesInt(s.Up, 1, 0))
	p.line("   num failed checkers = %d", failed)
	p.line("   RS set = %d", yesInt(s.Up, 1, 0))
}
