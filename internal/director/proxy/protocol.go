package proxy

import (
	"encoding/json"
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// What is said between the checker and the data path, which says ipc.Ready as
// soon as it serves a connection. Every request has a Seq
// and is answered by an ipc.Answer with the same Seq, in order; Error tells
// what went wrong, while the Body of an answer to KindSet still counts what
// was done.
const (
	KindSet      ipc.Kind = "set"      // Body: Update; answered with Changes
	KindRead     ipc.Kind = "read"     // answered with []Service
	KindCounters ipc.Kind = "counters" // answered with []Counted
	KindTimeouts ipc.Kind = "timeouts" // Body: director.Timeouts; answered with nothing
	KindLimit    ipc.Kind = "limit"    // Body: the number of connections; answered with nothing
)

// Update is what KindSet carries. The first one on a connection is whole;
// those after it name only the services that are new or different, the keys of
// those that are gone, and of the others the servers that become different.
type Update struct {
	Whole    bool             `json:"whole,omitempty"`
	Services []Service        `json:"services,omitempty"`
	Gone     []lvs.ServiceKey `json:"gone,omitempty"`
	Partly   []Partly         `json:"partly,omitempty"`
}

// Partly are the servers of a service that become different.
type Partly struct {
	Service lvs.ServiceKey  `json:"service"`
	Servers []Server        `json:"servers,omitempty"`
	Gone    []lvs.ServerKey `json:"gone,omitempty"`
}

// Service is a wanted service as it travels.
type Service struct {
	Addr        netip.Addr `json:"addr,omitzero"`
	Port        uint16     `json:"port,omitempty"`
	Protocol    uint8      `json:"proto,omitempty"`
	FWMark      uint32     `json:"fwmark,omitempty"`
	Family      uint8      `json:"family,omitempty"`
	Scheduler   string     `json:"scheduler"`
	Flags       uint32     `json:"flags,omitempty"`
	Persistence uint32     `json:"persistence,omitempty"` // seconds
	Netmask     uint32     `json:"netmask,omitempty"`
	Engine      string     `json:"engine,omitempty"`
	Transparent bool       `json:"transparent,omitempty"`
	MaxConns    uint32     `json:"max_connections,omitempty"`
	Servers     []Server   `json:"servers"`
}

// Server is a real server as it travels.
type Server struct {
	Addr    netip.Addr `json:"addr"`
	Port    uint16     `json:"port,omitempty"`
	Forward uint8      `json:"forward,omitempty"`
	Weight  int        `json:"weight"`
	Upper   uint32     `json:"upper,omitempty"`
	Lower   uint32     `json:"lower,omitempty"`
	// SendProxy is the version of the PROXY protocol.
	SendProxy uint8 `json:"send_proxy,omitempty"`
	Reset     bool  `json:"reset,omitempty"`
}

// Counted is a service's counters as they travel.
type Counted struct {
	Service  lvs.ServiceKey
	Counters director.Counters
	Servers  []CountedServer
}

// CountedServer is a real server's counters as they travel.
type CountedServer struct {
	Server   lvs.ServerKey
	Counters director.Counters
}

// newUpdate tells a change, which is canonical.
func newUpdate(d lvs.Delta) Update {
	u := Update{Whole: d.All}
	for key, c := range d.Services {
		switch {
		case c.Gone:
			u.Gone = append(u.Gone, key)
		case c.Service != nil:
			u.Services = append(u.Services, encode(key, c.Service))
		default:
			p := Partly{Service: key}
			for sk, s := range c.Servers {
				if s.In {
					p.Servers = append(p.Servers, encodeServer(sk, s.Server))
				} else {
					p.Gone = append(p.Gone, sk)
				}
			}
			u.Partly = append(u.Partly, p)
		}
	}
	return u
}

// Delta is the change that an update tells; it is canonical.
func (u *Update) Delta() lvs.Delta {
	d := lvs.Delta{All: u.Whole}
	for _, key := range u.Gone {
		d.Put(key, lvs.ServiceDelta{Gone: true})
	}
	for key, s := range decode(u.Services) {
		d.Put(key, lvs.ServiceDelta{Service: &s})
	}
	for _, p := range u.Partly {
		servers := make(map[lvs.ServerKey]lvs.Placed, len(p.Servers)+len(p.Gone))
		for _, v := range p.Servers {
			key, s := v.decode()
			servers[key] = lvs.Placed{Server: s, In: true}
		}
		for _, key := range p.Gone {
			servers[key] = lvs.Placed{}
		}
		d.Put(p.Service, lvs.ServiceDelta{Servers: servers})
	}
	return director.CanonicalDelta(d)
}

// Encode makes services that can travel of a table.
func Encode(t lvs.Table) []Service {
	out := make([]Service, 0, len(t))
	for key, s := range t {
		out = append(out, encode(key, &s))
	}
	return out
}

func encode(key lvs.ServiceKey, s *lvs.Service) Service {
	w := Service{
		Addr: key.Addr, Port: key.Port, Protocol: uint8(key.Protocol), FWMark: key.FWMark, Family: key.Family,
		Scheduler: s.Scheduler, Flags: s.Flags, Persistence: uint32(s.Persistence / time.Second),
		Netmask: s.Netmask, Engine: s.PersistenceEngine,
		Transparent: s.Proxy.Transparent, MaxConns: s.Proxy.MaxConnections, Servers: make([]Server, 0, len(s.Servers)),
	}
	for sk, v := range s.Servers {
		w.Servers = append(w.Servers, encodeServer(sk, v))
	}
	return w
}

func encodeServer(key lvs.ServerKey, s lvs.Server) Server {
	return Server{key.Addr, key.Port, uint8(s.Forward), s.Weight, s.Upper, s.Lower, s.SendProxy, s.Reset}
}

func (v *Server) decode() (lvs.ServerKey, lvs.Server) {
	return lvs.ServerKey{Addr: v.Addr, Port: v.Port}, lvs.Server{
		Forward: lvs.Forward(v.Forward), Weight: v.Weight, Upper: v.Upper, Lower: v.Lower, SendProxy: v.SendProxy, Reset: v.Reset}
}

// Decode is the inverse of Encode; the table is canonical.
func Decode(in []Service) lvs.Table { return director.CanonicalTable(decode(in)) }

func decode(in []Service) lvs.Table {
	t := make(lvs.Table, len(in))
	for _, w := range in {
		key := lvs.ServiceKey{Addr: w.Addr, Port: w.Port, Protocol: lvs.Protocol(w.Protocol), FWMark: w.FWMark, Family: w.Family}
		s := lvs.Service{
			Scheduler: w.Scheduler, Flags: w.Flags, Persistence: time.Duration(w.Persistence) * time.Second,
			Netmask: w.Netmask, PersistenceEngine: w.Engine,
			Proxy:   lvs.ProxyService{Transparent: w.Transparent, MaxConnections: w.MaxConns},
			Servers: make(map[lvs.ServerKey]lvs.Server, len(w.Servers)),
		}
		for i := range w.Servers {
			sk, server := w.Servers[i].decode()
			s.Servers[sk] = server
		}
		t[key] = s
	}
	return t
}

// EncodeCounters makes a message's body of counters.
func EncodeCounters(m map[lvs.ServiceKey]director.ServiceCounters) json.RawMessage {
	out := make([]Counted, 0, len(m))
	for key, s := range m {
		c := Counted{Service: key, Counters: s.Counters, Servers: make([]CountedServer, 0, len(s.Servers))}
		for sk, v := range s.Servers {
			c.Servers = append(c.Servers, CountedServer{sk, v})
		}
		out = append(out, c)
	}
	return ipc.Marshal(out)
}

// DecodeCounters is the inverse of EncodeCounters.
func DecodeCounters(body json.RawMessage) (map[lvs.ServiceKey]director.ServiceCounters, error) {
	var in []Counted
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	out := make(map[lvs.ServiceKey]director.ServiceCounters, len(in))
	for _, c := range in {
		s := director.ServiceCounters{Counters: c.Counters, Servers: make(map[lvs.ServerKey]director.Counters, len(c.Servers))}
		for _, v := range c.Servers {
			s.Servers[v.Server] = v.Counters
		}
		out[c.Service] = s
	}
	return out, nil
}
