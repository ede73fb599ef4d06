package mib

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// pool is a virtual server as written and as it is.
type pool struct {
	n    int
	conf *conf.VirtualServer
	is   *api.Service // nil: not known
	ups  int          // real servers that are up
	has  bool         // a quorum
}

// server is a real server, or the sorry server, which comes first.
type server struct {
	of    *pool
	n     int
	conf  *conf.RealServer
	sorry bool
	is    *api.Server // nil: not known, or a sorry server
}

func (s *server) index() agentx.OID { return agentx.OID{part(s.of.n), part(s.n)} }

// serverGroups are virtualServerGroupTable and virtualServerGroupMemberTable.
func (b *builder) serverGroups() {
	type r = row[*conf.ServerGroup]
	table(b.Tree, check.With(1, 1), numbered(b.Conf.ServerGroups), (*r).index,
		col[r]{2, func(g *r) agentx.Value { return agentx.Text(g.it.Name) }})
	var members []number[conf.GroupMember]
	for i, g := range b.Conf.ServerGroups {
		for j := range g.Members {
			members = append(members, number[conf.GroupMember]{i + 1, j + 1, g.Members[j]})
		}
	}
	type m = number[conf.GroupMember]
	addressed := func(m *m, ranged bool, a netip.Addr) agentx.Value {
		return choose(m.it.FWMark == 0 && (m.it.From != m.it.To) == ranged, address(a), absent)
	}
	table(b.Tree, check.With(2, 1), members, (*m).index,
		col[m]{2, func(m *m) agentx.Value {
			return agentx.Int(choose(m.it.FWMark != 0, 1, choose(m.it.From == m.it.To, 2, 3)))
		}},
		col[m]{3, func(m *m) agentx.Value { return some(m.it.FWMark, agentx.Unsigned) }},
		col[m]{4, func(m *m) agentx.Value { return choose(m.it.FWMark == 0, family(m.it.From), absent) }},
		col[m]{5, func(m *m) agentx.Value { return addressed(m, false, m.it.From) }},
		col[m]{6, func(m *m) agentx.Value { return addressed(m, true, m.it.From) }},
		col[m]{7, func(m *m) agentx.Value { return addressed(m, true, m.it.To) }},
		col[m]{8, func(m *m) agentx.Value {
			return choose(m.it.FWMark == 0, agentx.Unsigned(uint32(m.it.Port)), absent)
		}})
}

// servers are virtualServerTable and realServerTable.
func (b *builder) servers() {
	pools := b.pools()
	var servers []server
	for i := range pools {
		servers = append(servers, pools[i].servers()...)
	}
	b.virtualServers(pools)
	b.realServers(servers)
	b.Tree.servers = servers
}

func (b *builder) pools() []pool {
	is := byName(b.Pools, func(s *api.Service) string { return s.Name })
	out := make([]pool, 0, len(b.Conf.VirtualServers))
	for i, v := range b.Conf.VirtualServers {
		one := pool{n: i + 1, conf: v, is: is[serviceName(v)]}
		if one.is != nil {
			one.has = one.is.HasQuorum
			for j := range one.is.Servers {
				one.ups += choose(one.is.Servers[j].Up, 1, 0)
			}
		}
		out = append(out, one)
	}
	return out
}

func (p *pool) servers() []server {
	out := make([]server, 0, len(p.conf.Servers)+1)
	if p.conf.Sorry != nil {
		out = append(out, server{of: p, n: 1, conf: p.conf.Sorry, sorry: true})
	}
	var is map[string]*api.Server
	if p.is != nil {
		is = byName(p.is.Servers, func(s *api.Server) string { return serverKey(s.Name) })
	}
	for _, rs := range p.conf.Servers {
		name := fmt.Sprintf("[%s]:%d", rs.Addr, rs.Port)
		out = append(out, server{of: p, n: len(out) + 1, conf: rs, is: is[name]})
	}
	return out
}

// serverKey is a server's name without its protocol, which its virtual server
// has.
func serverKey(name string) string {
	return name[:strings.Index(name, "]")+1] + name[max(strings.LastIndex(name, ":"), 0):]
}

// serviceName is what the checker child calls a virtual server.
func serviceName(v *conf.VirtualServer) string {
	switch {
	case v.Group != "":
		return "[" + v.Group + "]:0"
	case v.FWMark != 0:
		return fmt.Sprintf("FWM %d", v.FWMark)
	}
	return fmt.Sprintf("[%s]:%s:%d", v.Addr, protocolName(v), v.Port)
}

func protocolName(v *conf.VirtualServer) string {
	return choose(v.Protocol == "", "none", strings.ToLower(v.Protocol))
}

// The numbers of INTEGERs in the MIB.
var (
	protocols  = map[string]int{"TCP": 1, "UDP": 2, "SCTP": 3, "": 4}
	schedulers = map[string]int{
		"rr": 1, "wrr": 2, "lc": 3, "wlc": 4, "lblc": 5, "lblcr": 6, "dh": 7, "sh": 8, "sed": 9, "nq": 10, "fo": 11, "ovf": 12, "mh": 13, "twos": 14,
	}
	forwards = map[string]int{"NAT": 1, "DR": 2, "TUN": 3}
	sums     = map[string]int{"": 1, "csum": 2, "remcsum": 3}
)

// unknownScheduler is the number of one that the MIB does not know.
const unknownScheduler = 99

func kind(v *conf.VirtualServer) int {
	switch {
	case v.Group != "":
		return 3
	case v.FWMark != 0:
		return 1
	}
	return 2
}

func flag(v *conf.VirtualServer, names ...string) agentx.Value {
	return truth(slices.ContainsFunc(v.SchedFlags, func(f string) bool { return slices.Contains(names, f) }))
}

// quorum is INTEGER { met(1), notMet(2), shutdown(3) }.
func (p *pool) quorum() agentx.Value { return truth(p.has) }

// granularity is how many clients stay together: a netmask, or with six a
// length. What may be of either family has both.
func granularity(v *conf.VirtualServer, six bool) agentx.Value {
	if kind(v) == 2 && (v.Family == 6) != six {
		return absent
	}
	if six {
		return agentx.Unsigned(choose(v.PersistGran == 0, 1<<32-1, part(v.PersistGran)))
	}
	bits := choose(v.PersistGran == 0, 32, v.PersistGran)
	m := ^uint32(0) << (32 - bits)
	return agentx.Octets([]byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)})
}

// said is a time, 0 where none was said.
func said(d time.Duration) time.Duration { return max(d, 0) }

func (b *builder) virtualServers(pools []pool) {
	byIndex := func(p *pool) agentx.OID { return agentx.OID{part(p.n)} }
	of := func(n uint32, cell func(*conf.VirtualServer) agentx.Value) col[pool] {
		return col[pool]{n, func(p *pool) agentx.Value { return cell(p.conf) }}
	}
	type vs = conf.VirtualServer
	mailed := b.Conf.Global.Mail.MailServices()
	cols := []col[pool]{
		of(2, func(v *vs) agentx.Value { return agentx.Int(kind(v)) }),
		of(3, func(v *vs) agentx.Value { return text(v.Group) }),
		of(4, func(v *vs) agentx.Value { return some(v.FWMark, agentx.Unsigned) }),
		of(5, func(v *vs) agentx.Value { return agentx.Int(choose(v.Family == 6, inet6, inet4)) }),
		of(6, func(v *vs) agentx.Value { return address(v.Addr) }),
		of(7, func(v *vs) agentx.Value { return choose(kind(v) == 2, agentx.Unsigned(uint32(v.Port)), absent) }),
		of(8, func(v *vs) agentx.Value { return agentx.Int(protocols[v.Protocol]) }),
		of(9, func(v *vs) agentx.Value {
			n, known := schedulers[v.Scheduler]
			return agentx.Int(choose(known, n, unknownScheduler))
		}),
		of(10, func(v *vs) agentx.Value { return agentx.Int(forwards[v.Forward]) }),
		{11, func(p *pool) agentx.Value { return truth(p.ups > 0) }},
		of(12, func(v *vs) agentx.Value { return text(v.VirtualHost) }),
		of(13, func(v *vs) agentx.Value { return truth(v.Persistence > 0) }),
		of(14, func(v *vs) agentx.Value { return some(v.Persistence, seconds) }),
		of(15, func(v *vs) agentx.Value { return granularity(v, false) }),
		of(16, func(v *vs) agentx.Value { return seconds(v.DelayLoop) }),
		of(17, func(v *vs) agentx.Value { return truth(v.HASuspend) }),
		of(18, func(v *vs) agentx.Value { return truth(v.Alpha) }),
		of(19, func(v *vs) agentx.Value { return truth(v.Omega) }),
		of(20, func(v *vs) agentx.Value { return agentx.Unsigned(part(len(v.Servers))) }),
		{21, func(p *pool) agentx.Value { return agentx.Unsigned(part(p.ups)) }},
		of(22, func(v *vs) agentx.Value { return agentx.Unsigned(part(v.Quorum)) }),
		{23, (*pool).quorum},
		of(24, func(v *vs) agentx.Value { return command(v.QuorumUp) }),
		of(25, func(v *vs) agentx.Value { return command(v.QuorumDown) }),
		of(26, func(v *vs) agentx.Value { return agentx.Unsigned(part(v.Hysteresis)) }),
		of(37, func(v *vs) agentx.Value { return truth(v.OnePacket) }),
		of(51, func(v *vs) agentx.Value { return granularity(v, true) }),
		of(52, func(v *vs) agentx.Value { return flag(v, "hashed") }),
		of(53, func(v *vs) agentx.Value { return flag(v, "flag-1", "sh-fallback", "mh-fallback") }),
		of(54, func(v *vs) agentx.Value { return flag(v, "flag-2", "sh-port", "mh-port") }),
		of(55, func(v *vs) agentx.Value { return flag(v, "flag-3") }),
		of(56, func(v *vs) agentx.Value { return truth(!v.InhibitOnFailure) }),
		of(57, func(v *vs) agentx.Value { return agentx.Unsigned(part(v.Retry)) }),
		of(58, func(v *vs) agentx.Value { return seconds(said(v.DelayBeforeRetry)) }),
		of(59, func(v *vs) agentx.Value { return seconds(said(v.Warmup)) }),
		of(60, func(v *vs) agentx.Value { return agentx.Int(v.Weight) }),
		of(61, func(v *vs) agentx.Value { return truth(v.SMTPAlert.Or(mailed)) }),
		of(62, func(v *vs) agentx.Value { return flag(v, "flag-1", "sh-fallback", "mh-fallback") }),
		of(63, func(v *vs) agentx.Value { return flag(v, "flag-2", "sh-port", "mh-port") }),
		of(64, func(v *vs) agentx.Value { return micros(v.DelayLoop) }),
		of(65, func(v *vs) agentx.Value { return micros(said(v.DelayBeforeRetry)) }),
		of(66, func(v *vs) agentx.Value { return micros(said(v.Warmup)) }),
		of(67, func(v *vs) agentx.Value { return micros(v.ConnectTimeout) }),
		of(68, func(v *vs) agentx.Value { return tunnelType(v.Forward, v.Tunnel) }),
		of(69, func(v *vs) agentx.Value { return tunnelPort(v.Forward, v.Tunnel) }),
		of(70, func(v *vs) agentx.Value { return tunnelSum(v.Forward, v.Tunnel) }),
		of(71, func(v *vs) agentx.Value { return text(v.SNMPName) }),
	}
	cols = append(cols, trafficCols(serviceTraffic, func(p *pool) *api.Traffic {
		if p.is == nil {
			return nil
		}
		return p.is.Traffic
	})...)
	table(b.Tree, check.With(3, 1), pools, byIndex, cols...)
}

// tunnelType is INTEGER { ipip(1), gue(2), gre(3) }.
func tunnelType(forward string, t *conf.Tunnel) agentx.Value {
	switch {
	case forward != "TUN":
		return absent
	case t == nil:
		return agentx.Int(1)
	}
	return agentx.Int(choose(t.Type == "gue", 2, 3))
}

func tunnelPort(forward string, t *conf.Tunnel) agentx.Value {
	if forward != "TUN" || t == nil || t.Type != "gue" {
		return absent
	}
	return agentx.Unsigned(uint32(t.Port))
}

func tunnelSum(forward string, t *conf.Tunnel) agentx.Value {
	if forward != "TUN" || t == nil {
		return absent
	}
	return agentx.Int(sums[t.Sum])
}

// method is how packets reach a server.
func (s *server) method() (string, *conf.Tunnel) {
	if s.conf.Forward != "" {
		return s.conf.Forward, s.conf.Tunnel
	}
	return s.of.conf.Forward, s.of.conf.Tunnel
}

// timing is when a server is checked; of a sorry server that is never.
func (s *server) timing() conf.Timing {
	switch {
	case s.sorry:
		return conf.Timing{}
	case s.conf.Timing != nil:
		return *s.conf.Timing
	}
	return s.of.conf.Timing()
}

// failed counts the checks that fail.
func (s *server) failed() (n int) {
	if s.is == nil {
		return 0
	}
	for i := range s.is.Checks {
		n += choose(s.is.Checks[i].Up, 0, 1)
	}
	return n
}

func (b *builder) realServers(servers []server) {
	all := func(n uint32, cell func(*server) agentx.Value) col[server] { return col[server]{n, cell} }
	real := func(n uint32, cell func(*server) agentx.Value) col[server] { // a sorry server has none of it
		return col[server]{n, func(s *server) agentx.Value {
			if s.sorry {
				return absent
			}
			return cell(s)
		}}
	}
	mailed := b.Conf.Global.Mail.MailServers()
	cols := []col[server]{
		all(2, func(s *server) agentx.Value { return agentx.Int(choose(s.sorry, 2, 1)) }),
		all(3, func(s *server) agentx.Value { return family(s.conf.Addr) }),
		all(4, func(s *server) agentx.Value { return address(s.conf.Addr) }),
		all(5, func(s *server) agentx.Value { return agentx.Unsigned(uint32(s.conf.Port)) }),
		real(6, func(s *server) agentx.Value { return truth(s.is != nil && s.is.Up) }),
		real(7, func(s *server) agentx.Value {
			if s.is != nil {
				return agentx.Int(s.is.Weight)
			}
			return agentx.Int(s.conf.Weight)
		}),
		real(8, func(s *server) agentx.Value { return some(s.conf.UpperThreshold, agentx.Unsigned) }),
		real(9, func(s *server) agentx.Value { return some(s.conf.LowerThreshold, agentx.Unsigned) }),
		real(10, func(s *server) agentx.Value { return truth(!s.conf.InhibitOnFailure) }),
		real(11, func(s *server) agentx.Value { return command(s.conf.NotifyUp) }),
		real(12, func(s *server) agentx.Value { return command(s.conf.NotifyDown) }),
		real(13, func(s *server) agentx.Value { return agentx.Unsigned(part(s.failed())) }),
		all(40, func(s *server) agentx.Value {
			f, _ := s.method()
			return agentx.Int(forwards[f])
		}),
		real(41, func(s *server) agentx.Value {
			return choose(s.conf.VirtualHost == s.of.conf.VirtualHost, absent, text(s.conf.VirtualHost))
		}),
		all(42, func(s *server) agentx.Value { return truth(s.conf.Alpha) }),
		all(43, func(s *server) agentx.Value { return agentx.Unsigned(part(s.timing().Retry)) }),
		all(44, func(s *server) agentx.Value { return seconds(said(s.timing().DelayBeforeRetry)) }),
		all(45, func(s *server) agentx.Value { return seconds(said(s.timing().Warmup)) }),
		all(46, func(s *server) agentx.Value { return seconds(s.timing().DelayLoop) }),
		all(47, func(s *server) agentx.Value { return truth(!s.sorry && s.conf.SMTPAlert.Or(mailed)) }),
		all(48, func(s *server) agentx.Value { return micros(said(s.timing().DelayBeforeRetry)) }),
		all(49, func(s *server) agentx.Value { return micros(said(s.timing().Warmup)) }),
		all(50, func(s *server) agentx.Value { return micros(s.timing().DelayLoop) }),
		all(51, func(s *server) agentx.Value { return micros(s.timing().ConnectTimeout) }),
		real(52, func(s *server) agentx.Value { return tunnelType(s.method()) }),
		real(53, func(s *server) agentx.Value { return tunnelPort(s.method()) }),
		real(54, func(s *server) agentx.Value { return tunnelSum(s.method()) }),
		real(55, func(s *server) agentx.Value { return text(s.conf.SNMPName) }),
	}
	cols = append(cols, trafficCols(serverTraffic, func(s *server) *api.Traffic {
		if s.is == nil {
			return nil
		}
		return s.is.Traffic
	})...)
	table(b.Tree, check.With(4, 1), servers, (*server).index, cols...)
}

// The kernel's choices for a sync daemon that says nothing (ipvsadm(8)).
const (
	syncPort = 8848
	syncTTL  = 1
)

// kernel are lvsSyncDaemon and lvsTimeouts.
func (b *builder) kernel() {
	g := &b.Conf.Global
	one := func(n uint32, v agentx.Value) { b.scalar(check.With(6, n), v) }
	d := g.SyncDaemon
	one(1, truth(d != nil))
	if d != nil {
		one(2, agentx.Text(d.Interface))
		one(3, text(d.Instance))
		one(4, agentx.Int(max(d.ID, 0)))
		one(5, some(int(d.MaxLen), agentx.Int))
		one(6, agentx.Int(choose(d.Port == 0, syncPort, int(d.Port))))
		one(7, agentx.Int(choose(d.TTL == 0, syncTTL, int(d.TTL))))
		if group := choose(d.Group.IsValid(), d.Group, netip.AddrFrom4([4]byte{224, 0, 0, 81})); group.IsValid() {
			one(8, family(group))
			one(9, address(group))
		}
	}
	for i, t := range []time.Duration{g.LVSTimeouts.TCP, g.LVSTimeouts.TCPFin, g.LVSTimeouts.UDP} {
		b.scalar(check.With(7, part(i+1)), some(int(t/time.Second), agentx.Int))
	}
}
