package print

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// ServerGroup is a virtual_server_group.
func ServerGroup(g *conf.ServerGroup) *Block {
	b := &Block{Keyword: "virtual_server_group", Name: []string{g.Name}, Pos: g.Pos}
	var lines []Line
	for i := range g.Members {
		lines = append(lines, Line{memberWords(&g.Members[i]), g.Members[i].Pos})
	}
	b.list("", lines)
	return b
}

func memberWords(m *conf.GroupMember) []string {
	if m.FWMark != 0 {
		w := []string{"fwmark", strconv.FormatUint(uint64(m.FWMark), 10)}
		if m.Family != 0 {
			w = append(w, familyWord(m.Family))
		}
		return w
	}
	a := m.From.String()
	if m.To.IsValid() && m.To != m.From {
		a += "-" + lastWord(m.From, m.To)
	}
	if m.Port == 0 {
		return []string{a}
	}
	return []string{a, strconv.Itoa(int(m.Port))}
}

// lastWord ends a range as keepalived writes it, by the last number alone, if
// the rest is the same.
func lastWord(from, to netip.Addr) string {
	f, t := from.AsSlice(), to.AsSlice()
	n, base, v := len(t)-1, 10, uint64(t[len(t)-1])
	if to.Is6() {
		n, base, v = len(t)-2, 16, uint64(t[len(t)-2])<<8|uint64(t[len(t)-1])
	}
	if string(f[:n]) != string(t[:n]) {
		return to.String()
	}
	return strconv.FormatUint(v, base)
}

func familyWord(f int) string {
	if f == 6 {
		return "inet6"
	}
	return "inet"
}

// VirtualServer is a virtual_server. The forwarding method comes before the
// servers, which may be of another family behind tunnels.
func VirtualServer(v *conf.VirtualServer, g *conf.Global) *Block {
	b := &Block{Keyword: "virtual_server", Name: ServerName(v), Pos: v.Pos}
	if !v.Addr.IsValid() && (v.FWMark != 0 || v.Family == 6) {
		b.str("ip_family", familyWord(v.Family), "")
	}
	b.dur("delay_loop", v.DelayLoop, 60*time.Second)
	b.scheduler(v)
	b.flag("ops", v.OnePacket)
	// A sorry server of another family is one from when this was a tunnel.
	foreign := v.Sorry != nil && v.Forward != "TUN" && v.Sorry.Addr.Is4() != (v.Family == 4)
	if foreign {
		b.str("lvs_method", "TUN", "")
	} else {
		b.method("lb_kind", v.Forward, v.Tunnel)
	}
	if v.Persistence != 0 {
		b.dur("persistence_timeout", v.Persistence, 0)
	}
	b.granularity(v)
	b.str("persistence_engine", v.Engine, "")
	b.str("protocol", v.Protocol, "")
	b.dur("connect_timeout", v.ConnectTimeout, 5*time.Second)
	if v.Retry >= 0 {
		b.num("retry", v.Retry, -1)
	}
	if v.DelayBeforeRetry >= 0 {
		b.dur("delay_before_retry", v.DelayBeforeRetry, -1)
	}
	if v.Warmup >= 0 {
		b.dur("warmup", v.Warmup, -1)
	}
	b.num("rise", v.Rise, 0)
	b.num("fall", v.Fall, 0)
	b.flag("ha_suspend", v.HASuspend)
	b.flag("alpha", v.Alpha)
	b.flag("omega", v.Omega)
	b.flag("inhibit_on_failure", v.InhibitOnFailure)
	b.str("virtualhost", v.VirtualHost, "")
	b.str("snmp_name", v.SNMPName, "")
	b.num("weight", v.Weight, 1)
	b.quorum(v)
	b.choice("smtp_alert", v.SMTPAlert)
	b.proxy(v)
	b.leaving(v.Drain, v.SlowStart, v.OnDown, &conf.VirtualServer{})
	b.num("panic_threshold", v.PanicThreshold, 0)
	b.num("max_eject", v.MaxEject, 0)
	b.sorry(v)
	if foreign {
		b.method("lb_kind", v.Forward, v.Tunnel)
	}
	for _, rs := range v.Servers {
		b.add(realServer(rs, v, g))
	}
	return b
}

// scheduler comes before its flags, unless it was changed after them: then they
// are those of another, which stands above them.
func (b *Block) scheduler(v *conf.VirtualServer) {
	foreign := v.Scheduler != "sh" && v.Scheduler != "mh" && slices.ContainsFunc(v.SchedFlags, func(f string) bool { return !strings.HasPrefix(f, "flag-") })
	if foreign {
		b.str("lvs_sched", "sh", "")
	} else {
		b.str("lb_algo", v.Scheduler, "")
	}
	for _, f := range v.SchedFlags {
		b.flag(f, true)
	}
	if foreign {
		b.str("lb_algo", v.Scheduler, "")
	}
}

// ServerName is what follows virtual_server.
func ServerName(v *conf.VirtualServer) []string {
	switch {
	case v.Group != "":
		return []string{"group", v.Group}
	case v.FWMark != 0:
		return []string{"fwmark", strconv.FormatUint(uint64(v.FWMark), 10)}
	case v.Port == 0:
		return []string{v.Addr.String()}
	}
	return []string{v.Addr.String(), strconv.Itoa(int(v.Port))}
}

func (b *Block) granularity(v *conf.VirtualServer) {
	if v.PersistGran == 0 {
		return
	}
	w := strconv.Itoa(v.PersistGran)
	if v.Family != 6 {
		n := ^uint32(0) << (32 - v.PersistGran)
		w = netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String()
	}
	b.str("persistence_granularity", w, "")
}

func (b *Block) quorum(v *conf.VirtualServer) {
	// Servers that weigh nothing make the quorum nothing, said or not.
	b.num("quorum", v.Quorum, 1).Implied = v.Quorum <= 1
	b.num("hysteresis", v.Hysteresis, 0)
	b.cmd("quorum_up", v.QuorumUp)
	b.cmd("quorum_down", v.QuorumDown)
}

// proxy are holdfast's own keywords of the embedded director.
func (b *Block) proxy(v *conf.VirtualServer) {
	if v.ProxyProtocol != 0 {
		b.str("proxy_protocol", proxyVersion(v.ProxyProtocol), "")
	}
	if v.ProxyTransparent {
		b.str("proxy_source", "client", "")
	}
	if n := v.ProxyMaxConnections; n > 0 {
		b.set(Setting{Keyword: "proxy_max_connections", Words: []string{strconv.FormatUint(uint64(n), 10)}, Value: n})
	}
}

func proxyVersion(n uint8) string {
	return [...]string{"none", "v1", "v2"}[n]
}

func (b *Block) sorry(v *conf.VirtualServer) {
	s := v.Sorry
	if s == nil {
		return
	}
	w := []string{s.Addr.String()}
	if s.Port != 0 {
		w = append(w, strconv.Itoa(int(s.Port)))
	}
	b.set(Setting{Keyword: "sorry_server", Words: w, Value: Words(w...)})
	b.flag("sorry_server_inhibit", v.SorryInhibit)
	b.method("sorry_server_lvs_method", s.Forward, s.Tunnel)
}

// method is how packets are forwarded, with the options of a tunnel.
func (b *Block) method(keyword, word string, t *conf.Tunnel) {
	if word != "" {
		w := append([]string{word}, t.Words()...)
		b.set(Setting{Keyword: keyword, Words: w, Value: Words(w...)})
	}
}

func realServer(rs *conf.RealServer, v *conf.VirtualServer, g *conf.Global) *Block {
	b := &Block{Keyword: "real_server", Name: []string{rs.Addr.String()}, Pos: rs.Pos}
	if rs.Port != 0 {
		b.Name = append(b.Name, strconv.Itoa(int(rs.Port)))
	}
	b.num("weight", rs.Weight, v.Weight)
	b.method("lvs_method", rs.Forward, rs.Tunnel)
	b.threshold("uthreshold", rs.UpperThreshold)
	b.threshold("lthreshold", rs.LowerThreshold)
	b.num("tier", int(rs.Tier), 0)
	b.leaving(rs.Drain, rs.SlowStart, rs.OnDown, v)
	b.on("inhibit_on_failure", rs.InhibitOnFailure, v.InhibitOnFailure)
	b.on("alpha", rs.Alpha, v.Alpha)
	if rs.ProxyProtocol != v.ProxyProtocol {
		b.str("proxy_protocol", proxyVersion(rs.ProxyProtocol), "")
	}
	b.str("virtualhost", rs.VirtualHost, v.VirtualHost)
	b.str("snmp_name", rs.SNMPName, "")
	timeout := b.timing(rs, v)
	b.cmd("notify_up", rs.NotifyUp)
	b.cmd("notify_down", rs.NotifyDown)
	b.choice("smtp_alert", rs.SMTPAlert)
	for _, c := range rs.Checkers {
		b.add(checker(c, rs, v, g, timeout))
	}
	return b
}

// timing is when checkers run that do not say, where it differs from v's.
func (b *Block) timing(rs *conf.RealServer, v *conf.VirtualServer) (timeout time.Duration) {
	t := rs.Timing
	if t == nil {
		return v.ConnectTimeout
	}
	b.dur("delay_loop", t.DelayLoop, v.DelayLoop)
	b.dur("connect_timeout", t.ConnectTimeout, v.ConnectTimeout)
	b.num("retry", t.Retry, v.Retry)
	b.dur("delay_before_retry", t.DelayBeforeRetry, v.DelayBeforeRetry)
	b.dur("warmup", t.Warmup, v.Warmup)
	return t.ConnectTimeout
}

// leaving is how servers come and go, where it differs from v's.
func (b *Block) leaving(drain, slowStart time.Duration, onDown string, v *conf.VirtualServer) {
	b.num("drain", int(drain/time.Second), int(v.Drain/time.Second))
	b.num("slow_start", int(slowStart/time.Second), int(v.SlowStart/time.Second))
	b.str("on_down", onDown, v.OnDown)
}

func (b *Block) threshold(keyword string, n uint32) { b.num(keyword, int(n), 0) }
