package mib

import (
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// inet are the numbers of InetAddressType (RFC 4001).
const (
	inet4 = 1
	inet6 = 2
)

func family(a netip.Addr) agentx.Value { return agentx.Int(choose(a.Is4(), inet4, inet6)) }

// address is an InetAddress; without one it is no object.
func address(a netip.Addr) agentx.Value {
	if !a.IsValid() {
		return absent
	}
	return agentx.Octets(a.AsSlice())
}

// choice is INTEGER { on(1), off(2), unset(3) }.
func choice(c conf.Choice) agentx.Value {
	return agentx.Int(map[conf.Choice]int{conf.Yes: 1, conf.No: 2, conf.Unsaid: 3}[c])
}

// globals are the daemon's own objects.
func (b *builder) globals() {
	g := &b.Conf.Global
	one := func(n uint32, v agentx.Value) { b.scalar(global.With(n), v) }
	one(1, agentx.Text(b.Version))
	one(2, agentx.Text(g.RouterID))
	b.mail(&g.Mail)
	one(4, truth(g.SNMP.Traps))
	one(5, agentx.Int(choose(g.LinkbeatPolling, 2, 1)))
	one(6, truth(g.LVSFlush))
	one(7, truth(true)) // counters of 64 bits, which every kernel since 4.1 has
	one(8, agentx.Text(g.NetNamespace))
	one(9, truth(g.DBus.Enable))
	one(10, truth(g.DynamicInterfaces))
	one(11, agentx.Int(map[conf.FlushOnStop]int{conf.FlushNothing: 2, conf.FlushAll: 1, conf.FlushServices: 3}[g.LVSFlushOnStop]))
}

// mail is what is said of mail. Without a server that is said there is none to
// tell of, as keepalived has it.
func (b *builder) mail(m *conf.Mail) {
	one := func(n uint32, v agentx.Value) { b.scalar(global.With(3, n), v) }
	server, err := netip.ParseAddr(m.Server)
	timeout, port := m.Timeout, m.Port
	if m.Server == "" {
		timeout, port = 0, 0
	}
	if err != nil {
		one(1, agentx.Int(inet6))
		one(2, agentx.Octets(make([]byte, 4)))
	} else {
		one(1, family(server))
		one(2, address(server))
	}
	one(3, agentx.Unsigned(part(int(timeout/time.Second))))
	one(4, text(m.From))
	one(6, agentx.Unsigned(part(port)))
	one(7, truth(!m.NoFaults))
	one(8, choice(m.Alerts))
	one(9, choice(m.VRRP))
	one(10, choice(m.Checker))
	to := make([]number[string], 0, len(m.To))
	for i, a := range m.To {
		to = append(to, number[string]{n: i + 1, it: a})
	}
	table(b.Tree, global.With(3, 5, 1), to, func(r *number[string]) agentx.OID { return agentx.OID{part(r.n)} },
		col[number[string]]{2, func(r *number[string]) agentx.Value { return agentx.Text(r.it) }})
}
