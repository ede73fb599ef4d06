package values

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// UnseenLVS are fields of state rather than of configuration, of what
// conf.Config does not keep, and of what real servers only hand on to their
// checkers, where it is compared.
var UnseenLVS = []string{
	"alive", "quorum_state_up", "reloaded", "Using smtp notification", "Warmup", "Retry count", "Retry delay", "------<",
	"connection timeout", "Delay loop", "initial weight", "effective weight", "previous effective_weight", "num failed", "RS set",
	"Enabled", "Up", "Has run", "Current weight", "Retries iterations", "Default delay before retry", "Last ran", "Last status",
	"Type", "Name", "helo", "Payload specified", "Require reply",
}

var (
	stamp    = regexp.MustCompile(`(?m)^\w+ \w+ +\d+ [\d:]+ \d+: `)
	realLine = regexp.MustCompile(`(?m)^   RIP = (\S+), RPORT = (\d+), WEIGHT = (\d+) EFF WEIGHT = \d+$`)
	pair     = regexp.MustCompile(`(?m)^ (\[.*\]:\S* -> \S+)$`)
	state    = regexp.MustCompile(`(?m)^     (Alive: |reloaded = ).*\n`)
	families = regexp.MustCompile(`(?m)^( Virtual Server Group = .*), IPv4 = .*$`)
	deeper   = regexp.MustCompile(`(?m)^ {4,5}(VirtualHost|RS \w+ notify)`)
)

// ParseLVS reads a dump of the checkers' part, as logged with -d: real servers
// and checkers become objects.
func ParseLVS(log string) []Object {
	text := stamp.ReplaceAllString(log, "")
	_, text, _ = strings.Cut(text, "------< Global definitions >------")
	text = realLine.ReplaceAllString(text, " RS = [$1]:$2\n   WEIGHT = $3")
	text = pair.ReplaceAllString(text, " Checker = $1")
	text = state.ReplaceAllString(text, "")
	text = families.ReplaceAllString(text, "$1")
	text = deeper.ReplaceAllString(text, "   $1")
	return numbered(Parse(text))
}

// numbered tells objects of the same name, and fields of the same label, apart
// by the order in which they come.
func numbered(all []Object) []Object {
	seen := map[string]int{}
	for i := range all {
		o := &all[i]
		key := o.Kind + "\n" + o.Name
		if seen[key]++; seen[key] > 1 {
			o.Name += fmt.Sprintf(" #%d", seen[key])
		}
		labels := map[string]int{}
		for j := range o.Fields {
			f := &o.Fields[j]
			if labels[f.Label]++; labels[f.Label] > 1 {
				f.Label += fmt.Sprintf(" #%d", labels[f.Label])
			}
		}
	}
	return all
}

// LVS says of a configuration what keepalived does of its virtual servers.
func LVS(c *conf.Config) []Object {
	var out, checkers []Object
	for _, g := range c.ServerGroups {
		out = append(out, serverGroup(g))
	}
	for _, v := range c.VirtualServers {
		out = append(out, virtual(c, v))
		for _, rs := range v.Servers {
			out = append(out, realServer(c, v, rs))
			for _, k := range rs.Checkers {
				checkers = append(checkers, checker(c, v, rs, k))
			}
		}
	}
	return numbered(append(out, checkers...))
}

func onOff(b bool) string { return yes(b, "ON", "OFF") }

func six(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }

func micros(d time.Duration) string { return fmt.Sprintf("%d us", d.Microseconds()) }

func serverGroup(g *conf.ServerGroup) Object {
	o := Object{Kind: "Virtual Server Group", Name: g.Name}
	for _, m := range g.Members {
		switch {
		case m.FWMark != 0:
			o.add("FWMARK", fmt.Sprint(m.FWMark))
		case m.From != m.To:
			o.add("VIP Range", fmt.Sprintf("%s-%s, VPORT = %d", m.From, m.To, m.Port))
		default:
			o.add("VIP", fmt.Sprintf("%s, VPORT = %d", m.From, m.Port))
		}
	}
	return o
}

func forward(method string, t *conf.Tunnel) string {
	switch {
	case method != "TUN":
		return method
	case t == nil:
		return "TUN, type = IPIP"
	case t.Type == "gue":
		return fmt.Sprintf("TUN, type = GUE, port = %d%s", t.Port, checksum[t.Sum])
	}
	return "TUN, type = GRE" + checksum[t.Sum]
}

var checksum = map[string]string{"": ", no checksum", "csum": ", checksum", "remcsum": ", remote checksum"}

// virtual is a virtual server.
func virtual(c *conf.Config, v *conf.VirtualServer) Object {
	o := Object{Kind: "VS VIP", Name: fmt.Sprintf("%s, VPORT = %d", v.Addr, v.Port)}
	switch {
	case v.Group != "":
		o.Kind, o.Name = "VS GROUP", "["+v.Group+"]:0"
	case v.FWMark != 0:
		o.Kind, o.Name = "VS FWMARK", fmt.Sprint(v.FWMark)
	}
	if v.VirtualHost != "" {
		o.add("VirtualHost", v.VirtualHost)
	}
	o.add("Address family", yes(v.Family == 6, "inet6", "inet"))
	o.add("connection timeout", six(v.ConnectTimeout))
	o.add("delay_loop", six(v.DelayLoop))
	o.add("lvs_sched", v.Scheduler)
	o.flags(v)
	o.add("One packet scheduling", yes(v.OnePacket, "enabled", "disabled"))
	if v.Persistence != 0 {
		o.add("persistence timeout", fmt.Sprint(v.Persistence.Seconds()))
	}
	if n := v.PersistGran; n != 0 {
		g := fmt.Sprint(n)
		if v.Family == 4 {
			m := ^uint32(0) << (32 - n)
			g = netip.AddrFrom4([4]byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)}).String()
		}
		o.add("persistence granularity", g)
	}
	o.add("protocol", yes(v.Protocol == "", "none", v.Protocol))
	o.add("alpha is " + onOff(v.Alpha))
	o.add("omega is " + onOff(v.Omega))
	if v.Retry >= 0 {
		o.add("Retry count", fmt.Sprint(v.Retry))
	}
	if v.DelayBeforeRetry >= 0 {
		o.add("Retry delay", six(v.DelayBeforeRetry))
	}
	if v.Warmup >= 0 {
		o.add("Warmup", six(v.Warmup))
	}
	o.add("Inhibit on failure is " + onOff(v.InhibitOnFailure))
	o.add("quorum", fmt.Sprintf("%d, hysteresis = %d", v.Quorum, v.Hysteresis))
	o.command(c, "Quorum up notify script", v.QuorumUp)
	o.command(c, "Quorum down notify script", v.QuorumDown)
	if v.HASuspend {
		o.add("Using HA suspend")
	}
	o.add(yes(v.Tunnel == nil, "default forwarding method", "forwarding method"), forward(v.Forward, v.Tunnel))
	if s := v.Sorry; s != nil {
		method, tunnel := s.Forward, s.Tunnel
		if method == "" {
			method, tunnel = v.Forward, v.Tunnel
		}
		o.add("sorry server", fmt.Sprintf("[%s]:%s:%d", s.Addr, protocol(v), s.Port), "forwarding method = "+forward(method, tunnel), "Inhibit on failure is "+onOff(v.SorryInhibit))
	}
	return o
}

func protocol(v *conf.VirtualServer) string {
	return yes(v.Protocol == "", "none", strings.ToLower(v.Protocol))
}

// flags are the scheduler's.
func (o *Object) flags(v *conf.VirtualServer) {
	names := []string{"flag-1", "flag-2", "flag-3"}
	switch v.Scheduler {
	case "sh":
		names = []string{"sh-port", "sh-fallback"}
	case "mh":
		names = []string{"mh-port", "mh-fallback"}
	}
	for _, n := range append([]string{"hashed"}, names...) {
		label := n
		if n == "hashed" {
			label = "Hashed"
		}
		o.add(label, yes(slices.Contains(v.SchedFlags, n), "enabled", "disabled"))
	}
}

func (o *Object) command(c *conf.Config, label string, cmd *conf.Command) {
	if cmd != nil {
		o.add(label, quoted(cmd.Argv)+", uid:gid "+ids(c, cmd))
	}
}

func realServer(c *conf.Config, v *conf.VirtualServer, rs *conf.RealServer) Object {
	o := Object{Kind: "RS", Name: fmt.Sprintf("[%s]:%d", rs.Addr, rs.Port)}
	o.add("WEIGHT", fmt.Sprint(rs.Weight))
	method, tunnel := rs.Forward, rs.Tunnel
	if method == "" {
		method, tunnel = v.Forward, v.Tunnel
	}
	o.add("forwarding method", forward(method, tunnel))
	o.add("Alpha is " + onOff(rs.Alpha))
	o.add("connection limit range", fmt.Sprintf("%d -> %d", rs.LowerThreshold, rs.UpperThreshold))
	o.add("Inhibit on failure is " + onOff(rs.InhibitOnFailure))
	if rs.VirtualHost != v.VirtualHost {
		o.add("VirtualHost", "'"+rs.VirtualHost+"'")
	}
	o.command(c, "RS up notify script", rs.NotifyUp)
	o.command(c, "RS down notify script", rs.NotifyDown)
	return o
}

func checker(c *conf.Config, v *conf.VirtualServer, rs *conf.RealServer, k *conf.Checker) Object {
	p := protocol(v)
	o := Object{Kind: "Checker", Name: fmt.Sprintf("[%s]:%s:%d -> [%s]:%s:%d", v.Addr, p, v.Port, rs.Addr, p, rs.Port)}
	o.add("Alpha", yes(k.Alpha, "yes", "no"))
	o.add("Delay loop", micros(k.DelayLoop))
	o.add("Warmup", micros(k.Warmup))
	o.add("Retries", fmt.Sprint(k.Retry))
	if k.Retry > 0 {
		o.add("Delay before retry", micros(k.DelayBeforeRetry))
	}
	o.add("Log all failures", yes(k.LogAllFailures, "yes", "no"))
	if k.Misc == nil {
		o.connection(k)
	}
	switch {
	case k.HTTP != nil:
		o.http(k, rs)
	case k.Misc != nil:
		o.add("Keepalive method", k.Kind)
		o.add("script", quoted(k.Misc.Command.Argv))
		o.add("timeout", fmt.Sprint(k.Misc.Timeout.Seconds()))
		o.add("dynamic", yes(k.Misc.Dynamic, "YES", "NO"))
		o.add("uid:gid", ids(c, &k.Misc.Command))
	default:
		o.add("Keepalive method", k.Kind)
	}
	return o
}

func (o *Object) connection(k *conf.Checker) {
	lines := []string{fmt.Sprintf("Dest = [%s]:%d", k.ConnectIP, k.ConnectPort)}
	if k.BindTo.IsValid() {
		bind := fmt.Sprintf("Bind to = [%s]", k.BindTo)
		if k.BindPort != 0 {
			bind += fmt.Sprintf(":%d", k.BindPort)
		}
		lines = append(lines, bind)
	}
	if k.FWMark != 0 {
		lines = append(lines, fmt.Sprintf("Mark = %d", k.FWMark))
	}
	o.add("Connection", append(lines, "Timeout = "+six(k.ConnectTimeout))...)
}

func (o *Object) http(k *conf.Checker, rs *conf.RealServer) {
	h := k.HTTP
	o.add("Keepalive method", k.Kind+", http protocol "+h.Protocol)
	if h.VirtualHost != rs.VirtualHost {
		o.add("Virtualhost", h.VirtualHost)
	}
	o.add("Enable SNI " + yes(h.SNI, "set", "unset"))
	o.add("Fast recovery " + yes(h.FastRecovery, "set", "unset"))
	for _, u := range h.URLs {
		lines := []string{u.Path}
		if u.Digest != "" {
			lines = append(lines, "digest = "+u.Digest)
		}
		lines = append(lines, "HTTP Status Code(s)")
		for _, s := range u.Status {
			lines = append(lines, yes(s.From == s.To, fmt.Sprint(s.From), fmt.Sprintf("%d-%d", s.From, s.To)))
		}
		if len(u.Status) == 0 {
			lines = append(lines, "200-299") // what none means
		}
		if u.VirtualHost != "" {
			lines = append(lines, "Virtual host = "+u.VirtualHost)
		}
		if u.Regex != "" {
			lines = append(lines, `Regex = "`+u.Regex+`"`)
			if u.RegexNoMatch {
				lines = append(lines, "Regex no match")
			}
			lines = append(lines, "Regex options:", "Regex ref count = 1")
		}
		o.add("Checked url", lines...)
	}
}
