package mib

import (
	"fmt"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// trapID is snmpTrapOID.0 (RFC 3418): what a trap is.
var trapID = agentx.ParseOID("1.3.6.1.6.3.1.1.4.1.0")

// A Trap is what a Notify carries: which one it is, and its objects.
type Trap []agentx.VarBind

func newTrap(id agentx.OID) Trap {
	return Trap{{Name: trapID, Value: agentx.Identifier(id)}}
}

func (t *Trap) add(id agentx.OID, v agentx.Value) {
	if v.Type != 0 {
		*t = append(*t, agentx.VarBind{Name: id, Value: v})
	}
}

func (t *Trap) router(c *conf.Config) { t.add(global.With(2, 0), agentx.Text(c.Global.RouterID)) }

// GroupTrap tells of a sync group's state. Like keepalived's, the objects of our
// own traps have no index.
func GroupTrap(c *conf.Config, name, state string) Trap {
	t := newTrap(vrrp.With(10, 0, 1))
	t.add(vrrp.With(1, 1, 2), agentx.Text(name))
	t.add(vrrp.With(1, 1, 3), stateOf(state))
	t.router(c)
	return t
}

// InstanceTrap tells of an instance's state.
func InstanceTrap(c *conf.Config, name, state string) Trap {
	t := newTrap(vrrp.With(10, 0, 2))
	entry := vrrp.With(3, 1)
	t.add(entry.With(2), agentx.Text(name))
	t.add(entry.With(4), stateOf(state))
	began := 1
	for _, i := range c.Instances {
		if i.Name == name && i.StateMaster {
			began = 2
		}
	}
	t.add(entry.With(5), agentx.Int(began))
	t.router(c)
	return t
}

// MasterTraps are those of RFC 2787 and RFC 6527 about a new master, as far as
// they are asked for. The state has the instance as it is now.
func MasterTraps(s *State, name string) (out []Trap) {
	b := &builder{State: s, Tree: &Tree{}, links: byLink(s)}
	for _, r := range b.routers() {
		if r.conf.Name != name {
			continue
		}
		index := agentx.OID{part(b.ifIndex(r.conf.Interface)), part(r.conf.VRID)}
		if s.Parts.RFCv2 && r.v2() {
			t := newTrap(RFC2787.With(0, 1))
			t.add(RFC2787.With(1, 3, 1, 7).With(index...), agentx.IP(r.source()))
			out = append(out, t)
		}
		if s.Parts.RFCv3 {
			t := newTrap(RFC6527.With(0, 1))
			at := b.indexV3(&r)
			r.is.State = "MASTER"
			t.add(RFC6527.With(1, 1, 1, 1, 3).With(at...), inetOf(&r, r.source().AsSlice()))
			t.add(RFC6527.With(1, 2, 5, 1, 2).With(at...), newMasterReason(&r))
			out = append(out, t)
		}
	}
	return out
}

// Pool is a virtual server of which a trap tells.
type Pool struct {
	Service   string // as the checker child calls it
	HasQuorum bool
	Ups       int // real servers that are up
}

// find is the virtual server as written; nil: there is none.
func (n *Pool) find(c *conf.Config) *pool {
	for _, v := range c.VirtualServers {
		if serviceName(v) == n.Service {
			return &pool{conf: v, ups: n.Ups, has: n.HasQuorum}
		}
	}
	return nil
}

// ServerTrap tells that a real server came or went; nil of one that is not there.
func ServerTrap(c *conf.Config, n Pool, name string, up bool) Trap {
	p := n.find(c)
	if p == nil {
		return nil
	}
	for _, rs := range p.conf.Servers {
		if fmt.Sprintf("[%s]:%d", rs.Addr, rs.Port) != serverKey(name) {
			continue
		}
		t := newTrap(check.With(5, 0, 1))
		entry := check.With(4, 1)
		t.add(entry.With(3), family(rs.Addr))
		t.add(entry.With(4), address(rs.Addr))
		t.add(entry.With(5), agentx.Unsigned(uint32(rs.Port)))
		t.add(entry.With(6), truth(up))
		t.service(p)
		t.upsOf(p)
		t.router(c)
		return t
	}
	return nil
}

// QuorumTrap tells that a virtual server has its quorum, or has not; stopping:
// that it goes. Nil of one that is not there.
func QuorumTrap(c *conf.Config, n Pool, stopping bool) Trap {
	p := n.find(c)
	if p == nil {
		return nil
	}
	t := newTrap(check.With(5, 0, 2))
	t.service(p)
	t.add(check.With(3, 1, 23), choose(stopping, agentx.Int(3), p.quorum()))
	t.add(check.With(3, 1, 22), agentx.Unsigned(part(p.conf.Quorum)))
	t.upsOf(p)
	t.router(c)
	return t
}

// service says which virtual server it is about.
func (t *Trap) service(p *pool) {
	entry := check.With(3, 1)
	t.add(entry.With(2), agentx.Int(kind(p.conf)))
	t.add(entry.With(3), text(p.conf.Group))
	t.add(entry.With(4), some(p.conf.FWMark, agentx.Unsigned))
	if p.conf.Addr.IsValid() {
		t.add(entry.With(5), family(p.conf.Addr))
		t.add(entry.With(6), address(p.conf.Addr))
		t.add(entry.With(7), agentx.Unsigned(uint32(p.conf.Port)))
	}
	t.add(entry.With(8), agentx.Int(protocols[p.conf.Protocol]))
}

func (t *Trap) upsOf(p *pool) {
	entry := check.With(3, 1)
	t.add(entry.With(21), agentx.Unsigned(part(p.ups)))
	t.add(entry.With(20), agentx.Unsigned(part(len(p.conf.Servers))))
}
