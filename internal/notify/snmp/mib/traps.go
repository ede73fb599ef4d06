package mib

import (
	"github.com/holdfast-ha/holdfast/api"
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

// ServerTrap tells that a real server came or went, nil of one that is not there.
func ServerTrap(c *conf.Config, service *api.Service, name string) Trap {
	s := &State{Conf: c, Pools: []api.Service{*service}}
	b := &builder{State: s}
	for _, p := range b.pools() {
		if p.is == nil {
			continue
		}
		for _, one := range p.servers() {
			if one.is == nil || one.is.Name != name {
				continue
			}
			t := newTrap(check.With(5, 0, 1))
			entry := check.With(4, 1)
			t.add(entry.With(3), family(one.conf.Addr))
			t.add(entry.With(4), address(one.conf.Addr))
			t.add(entry.With(5), agentx.Unsigned(uint32(one.conf.Port)))
			t.add(entry.With(6), truth(one.is.Up))
			t.service(&p)
			t.ups(&p)
			t.router(c)
			return t
		}
	}
	return nil
}

// QuorumTrap tells that a virtual server has its quorum, or has not; stopping:
// that it goes.
func QuorumTrap(c *conf.Config, service *api.Service, stopping bool) Trap {
	b := &builder{State: &State{Conf: c, Pools: []api.Service{*service}}}
	for _, p := range b.pools() {
		if p.is == nil {
			continue
		}
		t := newTrap(check.With(5, 0, 2))
		t.service(&p)
		t.add(check.With(3, 1, 23), choose(stopping, agentx.Int(3), p.quorum()))
		t.add(check.With(3, 1, 22), agentx.Unsigned(part(p.conf.Quorum)))
		t.ups(&p)
		t.router(c)
		return t
	}
	return nil
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

func (t *Trap) ups(p *pool) {
	entry := check.With(3, 1)
	t.add(entry.With(21), agentx.Unsigned(part(p.up())))
	t.add(entry.With(20), agentx.Unsigned(part(len(p.conf.Servers))))
}
