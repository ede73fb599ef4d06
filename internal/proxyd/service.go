package proxyd

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
	"github.com/holdfast-ha/holdfast/internal/lvs/sched"
)

// pool is a service's real servers and the choice among them. Many
// connections choose at the same time, so it has a lock, held for moments.
type pool struct {
	now   func() time.Time
	place gate // connections or sessions at once
	short *shortage

	mu     sync.Mutex
	key    lvs.ServiceKey
	want   lvs.Service // its Servers are not used
	choose sched.Scheduler
	set    sched.Set // of servers
	// servers are those that are wanted, leaving those no longer wanted that
	// still hold connections.
	servers, leaving map[lvs.ServerKey]*server
	sticky           *memory

	traffic
	noRoom  atomic.Uint64 // connections for which no server was left
	evicted atomic.Uint64 // sessions that made room for others
	starved atomic.Uint64 // attempts that failed for want of what the machine has
}

// traffic is counted without the lock.
type traffic struct {
	conns, inBytes, outBytes, inPackets, outPackets atomic.Uint64
}

// server is a real server. All but traffic is guarded by the pool's lock.
type server struct {
	sched.Server
	want lvs.Server

	traffic
	refused atomic.Uint64
	gone    atomic.Bool // removed
	cut     atomic.Bool // what it still has is to be reset
}

// grip is what a connection holds of a pool.
type grip struct {
	server *server
	client netip.Addr // the block that is remembered; not valid without persistence
	to     route
}

// route is how a connection gets to its server.
type route struct {
	addr        netip.AddrPort
	sendProxy   uint8 // version, 0: none
	transparent bool
}

func newPool(key lvs.ServiceKey, want lvs.Service, now func() time.Time) *pool {
	p := &pool{now: now, key: key, sticky: newMemory(),
		servers: map[lvs.ServerKey]*server{}, leaving: map[lvs.ServerKey]*server{}}
	p.change(want)
	return p
}

// change takes over new settings.
func (p *pool) change(want lvs.Service) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.choose == nil || want.Scheduler != p.want.Scheduler || want.Flags != p.want.Flags {
		p.choose, _ = sched.New(want.Scheduler, want.Flags)
	}
	if want.Persistence != p.want.Persistence || want.Netmask != p.want.Netmask {
		p.sticky = newMemory()
	}
	p.want = want
	p.want.Servers = nil
	p.place.set(int(want.Proxy.MaxConnections))
}

// put adds or changes a server; one that is leaving comes back with its
// connections.
func (p *pool) put(key lvs.ServerKey, want lvs.Server) *server {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.servers[key]
	if s == nil {
		if s = p.leaving[key]; s == nil {
			s = &server{Server: sched.Server{Key: key}}
		}
		delete(p.leaving, key)
		p.servers[key] = s
		i, _ := p.find(key)
		p.set.Servers = slices.Insert(p.set.Servers, i, &s.Server)
	}
	s.gone.Store(want.Reset)
	s.cut.Store(want.Reset)
	s.want, s.Weight = want, want.Weight
	if s.Weight > 0 {
		s.LastWeight = s.Weight
	}
	p.set.Version++
	s.measure()
	return s
}

// find returns where key is in the set, or belongs.
func (p *pool) find(key lvs.ServerKey) (int, bool) {
	return slices.BinarySearchFunc(p.set.Servers, key, func(s *sched.Server, k lvs.ServerKey) int {
		return cmp.Or(s.Key.Addr.Compare(k.Addr), cmp.Compare(s.Key.Port, k.Port))
	})
}

// remove takes a server out of the choice; its connections stay.
func (p *pool) remove(key lvs.ServerKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.servers[key]
	if s == nil {
		return
	}
	s.gone.Store(true)
	delete(p.servers, key)
	i, _ := p.find(key)
	p.set.Servers = slices.Delete(p.set.Servers, i, i+1)
	p.set.Version++
	if s.Active > 0 {
		p.leaving[key] = s
	}
}

// take chooses a server for a client and counts the connection; release it.
// Those in tried refused just now. It reports false if the client gets none.
func (p *pool) take(client netip.AddrPort, tried []*server) (grip, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	mark(tried, true)
	g := p.choice(client)
	mark(tried, false)
	s := g.server
	if s == nil {
		p.noRoom.Add(1)
		return g, false
	}
	s.Active++
	s.measure()
	g.to = route{addr: p.target(s), sendProxy: s.want.SendProxy, transparent: p.want.Proxy.Transparent}
	return g, true
}

func mark(servers []*server, tried bool) {
	for _, s := range servers {
		s.Tried = tried
	}
}

// choice asks memory first. As in IPVS with net.ipv4.vs.expire_quiescent_template
// off, a client that is remembered goes to its server also if that has weight 0
// or is over its threshold.
func (p *pool) choice(client netip.AddrPort) grip {
	r := sched.Request{Client: client, Virtual: p.key.Addr}
	if p.want.Persistence <= 0 {
		return grip{server: p.server(p.choose.Pick(&p.set, r))}
	}
	block, now := mask(client.Addr(), p.want.Netmask), p.now()
	g := grip{client: block}
	if key, ok := p.sticky.get(block, now); ok {
		g.server = p.servers[key]
	}
	if g.server == nil || g.server.Tried || g.server.cut.Load() {
		g.server = p.server(p.choose.Pick(&p.set, r))
	}
	if g.server != nil {
		p.sticky.hold(block, g.server.Key, now, p.want.Persistence)
	}
	return g
}

func (p *pool) server(s *sched.Server) *server {
	if s == nil {
		return nil
	}
	return p.servers[s.Key]
}

// release ends a connection that take began. The client is remembered from
// now on for the whole time.
func (p *pool) release(g grip) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := g.server
	s.Active--
	s.measure()
	if s.Active == 0 && p.leaving[s.Key] == s {
		delete(p.leaving, s.Key)
	}
	if g.client.IsValid() && p.want.Persistence > 0 {
		p.sticky.drop(g.client, s.Key, p.now(), p.want.Persistence)
	}
}

// measure applies the thresholds as IPVS does: full at the upper one, free
// again below the lower one, or below three quarters of the upper without one.
func (s *server) measure() {
	upper, lower := int(s.want.Upper), int(s.want.Lower)
	switch {
	case upper == 0:
		s.Overloaded = false
	case s.Active >= upper:
		s.Overloaded = true
	case lower > 0 && s.Active < lower, lower == 0 && s.Active*4 < upper*3:
		s.Overloaded = false
	}
}

// target is where connections for s go; port 0 means the service's own.
func (p *pool) target(s *server) netip.AddrPort {
	port := s.Key.Port
	if port == 0 {
		port = p.key.Port
	}
	return netip.AddrPortFrom(s.Key.Addr, port)
}

// onePacket reports whether each datagram is scheduled by itself (ops).
func (p *pool) onePacket() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.want.Flags&director.FlagOnePacket != 0
}

// mayDisguise says why servers cannot see the client's address, if they are to.
func (p *pool) mayDisguise() error {
	p.mu.Lock()
	wanted := p.want.Proxy.Transparent
	p.mu.Unlock()
	if !wanted {
		return nil
	}
	return mayDisguise(p.key)
}

// table returns the service as it is offered.
func (p *pool) table() lvs.Service {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.want
	out.Servers = make(map[lvs.ServerKey]lvs.Server, len(p.servers))
	for key, s := range p.servers {
		out.Servers[key] = s.want
	}
	return out
}

// some is table with these servers only.
func (p *pool) some(servers map[lvs.ServerKey]lvs.Placed) lvs.Service {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.want
	out.Servers = make(map[lvs.ServerKey]lvs.Server, len(servers))
	for key := range servers {
		if s := p.servers[key]; s != nil {
			out.Servers[key] = s.want
		}
	}
	return out
}

func (p *pool) counters() director.ServiceCounters {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := director.ServiceCounters{Counters: p.read(), Servers: make(map[lvs.ServerKey]director.Counters, len(p.servers))}
	out.Overloaded, out.Evicted = p.noRoom.Load(), p.evicted.Load()
	out.Starved = p.starved.Load()
	out.Persistent = uint32(p.sticky.len())
	for key, s := range p.servers {
		c := s.read()
		c.Active, c.Refused = uint32(s.Active), s.refused.Load()
		out.Servers[key] = c
		out.Active += c.Active
	}
	for _, s := range p.leaving {
		out.Active += uint32(s.Active)
	}
	return out
}

func (t *traffic) read() director.Counters {
	return director.Counters{
		Connections: t.conns.Load(), InBytes: t.inBytes.Load(), OutBytes: t.outBytes.Load(),
		InPackets: t.inPackets.Load(), OutPackets: t.outPackets.Load(),
	}
}
