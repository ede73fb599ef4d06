package proxyd

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// pool is a service's real servers and the choice among them. Many
// connections choose at the same time, so it has a lock, held for moments.
type pool struct {
	now func() time.Time

	mu      sync.Mutex
	key     lvs.ServiceKey
	want    lvs.Service // its Servers are not used
	choose  scheduler
	servers []*server // by address and port
	// leaving are servers no longer wanted that still hold connections.
	leaving map[lvs.ServerKey]*server
	sticky  *memory
	usable  []*server // scratch

	traffic
	noRoom atomic.Uint64 // connections for which no server was left
}

// traffic is counted without the lock.
type traffic struct {
	conns, inBytes, outBytes, inPackets, outPackets atomic.Uint64
}

// server is a real server. All but traffic is guarded by the pool's lock.
type server struct {
	key    lvs.ServerKey
	want   lvs.Server
	active int  // connections and sessions now
	full   bool // over the upper threshold and not yet below the lower
	credit int  // of the weighted round robin

	traffic
	refused atomic.Uint64
	gone    atomic.Bool // removed
}

func newPool(key lvs.ServiceKey, want lvs.Service, now func() time.Time) *pool {
	p := &pool{now: now, key: key, leaving: map[lvs.ServerKey]*server{}, sticky: newMemory()}
	p.change(want)
	return p
}

// change takes over new settings and reports whether the scheduler is known.
func (p *pool) change(want lvs.Service) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := true
	if p.choose == nil || want.Scheduler != p.want.Scheduler {
		p.choose, known = newScheduler(want.Scheduler)
	}
	if want.Persistence != p.want.Persistence || want.Netmask != p.want.Netmask {
		p.sticky = newMemory()
	}
	p.want = want
	p.want.Servers = nil
	return known
}

// put adds or changes a server; one that is leaving comes back with its
// connections.
func (p *pool) put(key lvs.ServerKey, want lvs.Server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, found := slices.BinarySearchFunc(p.servers, key, func(s *server, k lvs.ServerKey) int {
		if c := s.key.Addr.Compare(k.Addr); c != 0 {
			return c
		}
		return int(s.key.Port) - int(k.Port)
	})
	if !found {
		s := p.leaving[key]
		delete(p.leaving, key)
		if s == nil {
			s = &server{key: key}
		}
		s.gone.Store(false)
		p.servers = slices.Insert(p.servers, i, s)
	}
	p.servers[i].want = want
	p.servers[i].measure()
}

// remove takes a server out of the choice; its connections stay.
func (p *pool) remove(key lvs.ServerKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.servers, func(s *server) bool { return s.key == key })
	if i < 0 {
		return
	}
	s := p.servers[i]
	s.gone.Store(true)
	p.servers = slices.Delete(p.servers, i, i+1)
	if s.active > 0 {
		p.leaving[key] = s
	}
}

// take chooses a server for a client and counts the connection; release it.
// Those in tried refused just now. It returns nil if no server has room.
func (p *pool) take(client netip.Addr, tried []*server) *server {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.usable = p.usable[:0]
	for _, s := range p.servers {
		if s.want.Weight > 0 && !s.full && !slices.Contains(tried, s) {
			p.usable = append(p.usable, s)
		}
	}
	if len(p.usable) == 0 {
		p.noRoom.Add(1)
		return nil
	}
	s := p.choice(client)
	s.active++
	s.measure()
	return s
}

func (p *pool) choice(client netip.Addr) *server {
	if p.want.Persistence <= 0 {
		return p.choose(p.usable, client)
	}
	block, now := mask(client, p.want.Netmask), p.now()
	if key, ok := p.sticky.get(block, now); ok {
		for _, s := range p.usable {
			if s.key == key {
				p.sticky.put(block, key, now, now.Add(p.want.Persistence))
				return s
			}
		}
	}
	s := p.choose(p.usable, client)
	p.sticky.put(block, s.key, now, now.Add(p.want.Persistence))
	return s
}

// release ends a connection that take began.
func (p *pool) release(s *server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.active--
	s.measure()
	if s.active == 0 && p.leaving[s.key] == s {
		delete(p.leaving, s.key)
	}
}

// measure applies the thresholds as IPVS does: full at the upper one, free
// again below the lower one, or below three quarters of the upper without one.
func (s *server) measure() {
	upper, lower := int(s.want.Upper), int(s.want.Lower)
	switch {
	case upper == 0:
		s.full = false
	case s.active >= upper:
		s.full = true
	case lower > 0 && s.active < lower, lower == 0 && s.active*4 < upper*3:
		s.full = false
	}
}

// target is where connections for s go; port 0 means the service's own.
func (p *pool) target(s *server) netip.AddrPort {
	port := s.key.Port
	if port == 0 {
		port = p.key.Port
	}
	return netip.AddrPortFrom(s.key.Addr, port)
}

func (p *pool) flags() uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.want.Flags
}

// table returns the service as it is offered.
func (p *pool) table() lvs.Service {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.want
	out.Servers = make(map[lvs.ServerKey]lvs.Server, len(p.servers))
	for _, s := range p.servers {
		out.Servers[s.key] = s.want
	}
	return out
}

func (p *pool) counters() director.ServiceCounters {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := director.ServiceCounters{Counters: p.read(), Servers: make(map[lvs.ServerKey]director.Counters, len(p.servers))}
	out.Overloaded = p.noRoom.Load()
	out.Persistent = uint32(p.sticky.len())
	for _, s := range p.servers {
		c := s.read()
		c.Active, c.Refused = uint32(s.active), s.refused.Load()
		out.Servers[s.key] = c
		out.Active += c.Active
	}
	for _, s := range p.leaving {
		out.Active += uint32(s.active)
	}
	return out
}

func (t *traffic) read() director.Counters {
	return director.Counters{
		Connections: t.conns.Load(), InBytes: t.inBytes.Load(), OutBytes: t.outBytes.Load(),
		InPackets: t.inPackets.Load(), OutPackets: t.outPackets.Load(),
	}
}
