package build

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/check"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// Services is what the checker daemon runs.
type Services struct {
	Director     string // lvs_director: "auto", "ipvs", "proxy", "none"
	Namespace    string // of IPVS, "": the daemon's own, conf.StartNamespace: the one it was started in
	Timeouts     conf.LVSTimeouts
	ProxyLimit   int          // connections of the embedded director, 0: its own
	Flush        bool         // empty the director's table at the start
	FlushOnStop  bool         // and at the end, others' services included
	Marks        conf.Marking // Table is empty: groups are served address by address
	MarkCounters bool
	// FIFOs take the lines of notify_fifo and lvs_notify_fifo.
	FIFOs []FIFO
	Mail  *Mail // nil: nobody gets any
	// InitNotifies: tell notifiers of servers that are up from the start.
	InitNotifies bool
	Process      conf.Process
	Monitor      conf.Buffer // of the socket on which addresses are heard of
	// Pools are the virtual servers. One that Renew found as it was is the very
	// same.
	Pools []*Pool
	// Expire: the kernel is to forget connections to servers that are gone
	// [on_down expire, and reset where nothing better can be done].
	Expire bool
	// Paths are what checks through a virtual address need of the director.
	Paths []Path
	// Ignored says, in one line each, what is left out and why.
	Ignored []string
}

// Pool is one virtual server: what its machine is told, and what the daemon
// adds. The slices of PoolConfig belong to the lvs.Pool that is made of it.
type Pool struct {
	lvs.PoolConfig
	// ID tells virtual servers apart and stays the same over a reload.
	ID                   string
	Servers              []RealServer // as PoolConfig.Servers
	QuorumUp, QuorumDown *Program
	Omega                bool // notifiers also run at the daemon's end
	// Markable: one service with a mark can stand for all Keys.
	Markable bool
	// Moves: an address of Keys is a virtual router's, so that at the daemon's
	// end clients go elsewhere at once, and no server has anything to drain.
	Moves bool
	// HASuspend: probe only while one of the addresses of Keys is here.
	HASuspend bool
	Mail      bool // smtp_alert
}

// RealServer is what the daemon adds to an lvs.ServerConfig.
type RealServer struct {
	NotifyUp, NotifyDown *Program
	Mail                 bool          // smtp_alert
	Checks               []HealthCheck // as ServerConfig.Checks
}

// HealthCheck is one checker of one real server.
type HealthCheck struct {
	Probe    Probe
	Schedule *check.Config // shared by those that keep the same one; never changed
	LogAll   bool          // tell of each failed attempt [log_all_failures]
}

// Defaults of keepalived.conf(5) for a checker that says nothing.
const (
	defaultDelayLoop = 60 * time.Second
	defaultRetry     = 1 // retry; MISC_CHECK 0
	defaultDNSRetry  = 3
	defaultDelay     = 1 * time.Second // DNS_CHECK delay_loop
	defaultHTTPDelay = 3 * time.Second // delay_before_retry of HTTP_GET and SSL_GET
)

// filePoll is how often the file of a FILE_CHECK is looked at.
const filePoll = time.Second

// bfdTurn is the least time between two changes of mind of a BFD_CHECK.
const bfdTurn = 50 * time.Millisecond

// lvsBuilder goes through a configuration once.
type lvsBuilder struct {
	conf   *conf.Config
	out    *Services
	groups map[string]*conf.ServerGroup
	taken  map[lvs.ServiceKey]owner
	routed map[netip.Addr]bool    // addresses of virtual routers
	seen   map[lvs.ServerKey]bool // of one virtual server, used again for the next
	ways   map[Path]uint32        // marks of Paths, by what they are without
	marked map[uint32]bool        // marks of Paths

	old     func(id string) *Pool // as it was, may be nil
	trial   scratch
	manners map[string]*Manner       // the last of each kind of checker
	times   map[string]*check.Config // the same
}

// LongestDrain is how long the last real server may take at the daemon's end,
// at most.
func LongestDrain(c *conf.Config) (longest time.Duration) {
	moves := routed(c)
	for _, v := range c.VirtualServers {
		for _, rs := range v.Servers {
			if !moves[v.Addr] {
				longest = max(longest, rs.Drain)
			}
		}
	}
	return longest
}

// serverRemoval is how long the kernel may take to forget one real server.
const serverRemoval = time.Millisecond

// Removal is how long the checker may take at the daemon's end to empty the
// director's table of so many real servers, beyond what any child may
// [child_wait_time].
func Removal(servers int) time.Duration { return time.Duration(servers) * serverRemoval }

// routed are the addresses of virtual routers.
func routed(c *conf.Config) map[netip.Addr]bool {
	out := map[netip.Addr]bool{}
	for _, i := range c.Instances {
		for _, list := range [][]conf.Address{i.Addresses, i.Excluded} {
			for k := range list {
				out[list[k].Prefix.Addr()] = true
			}
		}
	}
	return out
}

// FromLVS translates the virtual servers of a configuration. Where in its
// warm-up a check begins is for who runs it to say: Spread is 0.
func FromLVS(c *conf.Config) *Services { return Renew(c, nil) }

// Renew is FromLVS at a reload: a virtual server of which nothing changes is
// what old gives for its ID, and nothing is made for it. old may be nil, and may
// give nil. The states of checks and the overrides of what it gives are not
// looked at, and may change meanwhile.
func Renew(c *conf.Config, old func(id string) *Pool) *Services {
	g, servers := &c.Global, len(c.VirtualServers)
	b := lvsBuilder{conf: c, old: old, taken: make(map[lvs.ServiceKey]owner, servers), routed: routed(c), ways: map[Path]uint32{}, marked: map[uint32]bool{}, manners: map[string]*Manner{}, times: map[string]*check.Config{}, out: &Services{
		Director: g.Director, Namespace: g.NetNamespaceIPVS, Timeouts: g.LVSTimeouts, ProxyLimit: g.ProxyMaxConnections, Flush: g.LVSFlush, FlushOnStop: g.LVSFlushOnStop == conf.FlushAll,
		Marks: g.Marking, MarkCounters: g.Firewall.Counters,
		InitNotifies: g.RSInitNotifies, Process: g.CheckerProcess, Monitor: g.Buffers.LVSMonitor,
		Pools: make([]*Pool, 0, servers),
	}}
	if b.out.Director == "" {
		b.out.Director = "auto"
	}
	reader := g.NotifyFIFOScript
	if len(c.Instances) > 0 {
		reader = nil // the VRRP child runs it
	}
	b.out.FIFOs = fifo(fifo(nil, g, g.NotifyFIFO, reader), g, g.LVSNotifyFIFO, g.LVSNotifyFIFOScript)
	b.out.Mail = mail(g)
	b.groups = make(map[string]*conf.ServerGroup, len(c.ServerGroups))
	for _, g := range c.ServerGroups {
		b.groups[g.Name] = g
	}
	for _, vs := range c.VirtualServers {
		b.marked[vs.FWMark] = true
	}
	for _, g := range c.ServerGroups {
		for i := range g.Members {
			b.marked[g.Members[i].FWMark] = true
		}
	}
	for _, vs := range c.VirtualServers {
		b.virtualServer(vs)
	}
	return b.out
}

func (b *lvsBuilder) ignore(pos conf.Pos, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if pos.Line > 0 {
		text = fmt.Sprintf("%s:%d: %s", pos.File, pos.Line, text)
	}
	b.out.Ignored = append(b.out.Ignored, text)
}

func (b *lvsBuilder) virtualServer(vs *conf.VirtualServer) {
	n := b.name(vs)
	if len(n.keys) == 0 {
		return
	}
	key := n.keys[0]
	p := Pool{ID: n.id, Markable: n.markable, Omega: vs.Omega, HASuspend: vs.HASuspend, Mail: vs.SMTPAlert.Or(b.conf.Global.Mail.MailServices()), QuorumUp: b.program(vs.QuorumUp), QuorumDown: b.program(vs.QuorumDown)}
	p.Moves = slices.ContainsFunc(n.keys, func(k lvs.ServiceKey) bool { return b.routed[k.Addr] })
	p.PoolConfig = lvs.PoolConfig{
		Name: n.name, Keys: n.keys, Service: service(vs), Quorum: max(vs.Quorum, 1), Hysteresis: vs.Hysteresis,
		Panic: vs.PanicThreshold, MaxEject: vs.MaxEject,
	}
	if s := vs.Sorry; s != nil {
		at := lvs.ServerKey{Addr: s.Addr, Port: or(s.Port, vs.Port)}
		p.Sorry = &lvs.SorryConfig{
			Key: at, Name: key.ServerName(at), Server: server(s, vs), Inhibit: vs.SorryInhibit,
		}
		p.Sorry.Server.Weight = max(p.Sorry.Server.Weight, 1)
	}
	b.out.Pools = append(b.out.Pools, b.filled(&p, key, vs))
}

// filled gives a pool its servers, or returns the one that it was before.
func (b *lvsBuilder) filled(p *Pool, key lvs.ServiceKey, vs *conf.VirtualServer) *Pool {
	if b.old != nil {
		if was := b.old(p.ID); was != nil {
			told, trial := len(b.out.Ignored), *p
			b.servers(&trial, key, vs, was)
			if was.Same(&trial) {
				return was
			}
			b.out.Ignored = b.out.Ignored[:told] // it is told again
		}
	}
	own := *p
	b.servers(&own, key, vs, nil)
	return &own
}

// scratch is memory for the servers of one virtual server.
type scratch struct {
	servers []RealServer
	configs []lvs.ServerConfig
	checks  []HealthCheck
	states  []lvs.CheckState
}

// servers adds real servers to a pool. If they are only to be compared with
// those of was, their memory is used again by the next.
func (b *lvsBuilder) servers(p *Pool, service lvs.ServiceKey, vs *conf.VirtualServer, was *Pool) {
	if b.seen == nil {
		b.seen = make(map[lvs.ServerKey]bool, len(vs.Servers))
	}
	seen := b.seen
	clear(seen)
	for i := range p.PoolConfig.Servers {
		seen[p.PoolConfig.Servers[i].Key] = true
	}
	count := 0
	for _, rs := range vs.Servers {
		count += len(rs.Checkers)
	}
	t := &scratch{}
	if was != nil {
		t = &b.trial
		p.Servers, p.PoolConfig.Servers = t.servers[:0], t.configs[:0]
	}
	p.Servers = slices.Grow(p.Servers, len(vs.Servers))
	p.PoolConfig.Servers = slices.Grow(p.PoolConfig.Servers, len(vs.Servers))
	checks, states := slices.Grow(t.checks[:0], count), slices.Grow(t.states[:0], count) // of all servers, in one piece
	for _, rs := range vs.Servers {
		key := lvs.ServerKey{Addr: rs.Addr, Port: or(rs.Port, vs.Port)}
		if seen[key] {
			b.ignore(rs.Pos, "real_server %s of VS %s is there already", service.ServerName(key), p.Name)
			continue
		}
		seen[key] = true
		more := RealServer{
			NotifyUp: b.program(rs.NotifyUp), NotifyDown: b.program(rs.NotifyDown),
			Mail: rs.SMTPAlert.Or(b.conf.Global.Mail.MailServers()),
		}
		cfg := lvs.ServerConfig{
			Key: key, Name: was.serverName(len(p.Servers), service, key), Server: server(rs, vs), Inhibit: rs.InhibitOnFailure,
			Tier: int(rs.Tier), Drain: rs.Drain, SlowStart: rs.SlowStart, Reset: rs.OnDown == conf.OnDownReset || rs.OnDown == conf.OnDownExpire && !rs.InhibitOnFailure,
		}
		b.out.Expire = b.out.Expire || rs.OnDown == conf.OnDownExpire || rs.OnDown == conf.OnDownReset
		first := len(checks)
		for _, c := range rs.Checkers {
			if h, ok := b.healthCheck(c, service, &cfg, vs); ok {
				checks = append(checks, h)
				states = append(states, lvs.CheckState{Up: !h.Schedule.Alpha, Unknown: h.Schedule.Alpha})
			}
		}
		last := len(checks)
		more.Checks, cfg.Checks = checks[first:last:last], states[first:last:last]
		p.PoolConfig.Servers = append(p.PoolConfig.Servers, cfg)
		p.Servers = append(p.Servers, more)
	}
	*t = scratch{p.Servers, p.PoolConfig.Servers, checks, states}
}

// serverName names a server: as p, if any, does, should that have it in the
// same place.
func (p *Pool) serverName(i int, service lvs.ServiceKey, key lvs.ServerKey) string {
	if p != nil && i < len(p.PoolConfig.Servers) && p.PoolConfig.Servers[i].Key == key && p.Keys[0] == service {
		return p.PoolConfig.Servers[i].Name
	}
	return service.ServerName(key)
}

func (b *lvsBuilder) healthCheck(c *conf.Checker, service lvs.ServiceKey, rs *lvs.ServerConfig, vs *conf.VirtualServer) (h HealthCheck, ok bool) {
	to, m, ok := b.probe(c, rs.Key, rs.Server.Weight)
	if !ok {
		return h, false
	}
	if c.Path {
		to = b.path(to, &m, c.Pos, service, rs)
	}
	h.LogAll = c.LogAllFailures || b.conf.Global.CheckerLogAllFailures
	s := schedule(c, &m, vs)
	if m.Program != nil && m.Program.Timeout <= 0 {
		m.Program.Timeout = s.Interval
	}
	h.Schedule = b.timed(c.Kind, s)
	h.Probe = Probe{To: to, Manner: b.share(m)}
	return h, true
}

// schedule is when a check is made.
func schedule(c *conf.Checker, m *Manner, vs *conf.VirtualServer) check.Config {
	s := check.Config{
		Interval: or(c.DelayLoop, or(vs.DelayLoop, defaultDelayLoop)), Retry: c.Retry, RetryDelay: c.DelayBeforeRetry,
		Warmup: c.Warmup, Alpha: c.Alpha, Steps: m.Steps(), Rise: c.Rise,
	}
	if c.Fall > 0 {
		s.Retry = c.Fall - 1
	}
	if s.Retry < 0 {
		s.Retry = defaultRetry
		switch c.Kind {
		case KindMisc:
			s.Retry = 0
		case KindDNS:
			s.Retry = defaultDNSRetry
		}
	}
	if s.RetryDelay < 0 {
		s.RetryDelay = defaultDelay
		switch {
		case m.HTTP != nil:
			s.RetryDelay = defaultHTTPDelay
		case m.DNS != nil:
			s.RetryDelay = s.Interval
		}
	}
	if s.Warmup < 0 {
		s.Warmup = s.Interval
	}
	if m.BFD != "" { // one is told, and looks again at once
		s.Interval, s.Retry, s.Warmup = bfdTurn, 0, 0
	}
	if m.File != nil { // it has no schedule of its own
		s.Interval, s.Retry, s.Warmup = filePoll, 0, 0
	}
	s.Hurry = c.HTTP != nil && c.HTTP.FastRecovery
	return s
}

// service are the settings that all keys of a virtual server share.
func service(vs *conf.VirtualServer) lvs.Service {
	s := lvs.Service{Scheduler: vs.Scheduler, Flags: schedulerFlags(vs), Persistence: vs.Persistence, PersistenceEngine: vs.Engine,
		Proxy: lvs.ProxyService{Transparent: vs.ProxyTransparent, MaxConnections: vs.ProxyMaxConnections}}
	if s.Scheduler == "" {
		s.Scheduler = "wlc"
	}
	bits := vs.PersistGran
	switch {
	case family(vs) == 6 && bits <= 0:
		s.Netmask = 128
	case family(vs) == 6:
		s.Netmask = uint32(min(bits, 128)) // bounded
	case bits <= 0 || bits >= 32:
		s.Netmask = 0xffffffff
	default:
		s.Netmask = ^uint32(0) << (32 - bits)
	}
	return s
}

// The flags of linux/ip_vs.h, IP_VS_SVC_F_*.
const (
	flagOnePacket = 0x0004
	flagSched1    = 0x0008
	flagSched2    = 0x0010
	flagSched3    = 0x0020
)

// schedulerFlag gives keepalived.conf(5)'s words their bits.
func schedulerFlag(word string) uint32 {
	switch word {
	case "flag-1", "sh-fallback", "mh-fallback":
		return flagSched1
	case "flag-2", "sh-port", "mh-port":
		return flagSched2
	case "flag-3":
		return flagSched3
	}
	return 0
}

func schedulerFlags(vs *conf.VirtualServer) (flags uint32) {
	for _, word := range vs.SchedFlags {
		flags |= schedulerFlag(word)
	}
	if vs.OnePacket {
		flags |= flagOnePacket
	}
	return flags
}

func server(rs *conf.RealServer, vs *conf.VirtualServer) lvs.Server {
	s := lvs.Server{
		Forward: forward(or(rs.Forward, vs.Forward)), Weight: rs.Weight,
		Upper: rs.UpperThreshold, Lower: rs.LowerThreshold, SendProxy: rs.ProxyProtocol,
	}
	t := rs.Tunnel
	if rs.Forward == "" {
		t = vs.Tunnel
	}
	if t != nil {
		s.Tunnel, s.TunnelPort, s.TunnelFlags = tunnelType(t.Type), t.Port, tunnelFlag(t.Sum)
	}
	return s
}

func tunnelType(word string) lvs.TunnelType {
	switch word {
	case "ipip":
		return lvs.IPIP
	case "gue":
		return lvs.GUE
	case "gre":
		return lvs.GRE
	}
	return 0
}

func tunnelFlag(word string) uint16 {
	switch word {
	case "csum":
		return lvs.TunnelChecksum
	case "remcsum":
		return lvs.TunnelRemoteChecksum
	}
	return 0
}

func forward(word string) lvs.Forward {
	switch word {
	case "DR":
		return lvs.DirectRoute
	case "TUN":
		return lvs.Tunnel
	}
	return lvs.NAT
}

func protocol(word string) lvs.Protocol {
	switch word {
	case "UDP":
		return lvs.UDP
	case "SCTP":
		return lvs.SCTP
	}
	return lvs.TCP
}

func family(vs *conf.VirtualServer) uint8 {
	if vs.Addr.IsValid() {
		return familyOf(vs.Addr)
	}
	if vs.Family == 6 {
		return 6
	}
	return 4
}

func familyOf(a netip.Addr) uint8 {
	if a.Unmap().Is4() {
		return 4
	}
	return 6
}

// or is a unless that is zero.
func or[T comparable](a, b T) T {
	var zero T
	if a == zero {
		return b
	}
	return a
}
