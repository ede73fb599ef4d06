package mib

import (
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// The numbers that both of the standard's MIBs have for a router's state, and
// for the rows of their tables.
const (
	initialize = 1
	backup     = 2
	master     = 3
	active     = 1 // RowStatus
)

func operState(r *router) int {
	switch r.is.State {
	case "BACKUP":
		return backup
	case "MASTER":
		return master
	}
	return initialize
}

// v2 reports whether it is a router that RFC 2787 knows.
func (r *router) v2() bool { return r.conf.Version == 2 && r.conf.Family == 4 }

// source is where a router sends from.
func (r *router) source() netip.Addr {
	a, _ := netip.ParseAddr(r.is.Source)
	if !a.IsValid() {
		a = r.conf.SrcIP
	}
	return a
}

// master is who is master: the router itself, or whom it hears.
func (r *router) master() netip.Addr {
	if r.is.State == "MASTER" {
		return r.source()
	}
	a, _ := netip.ParseAddr(r.is.Master)
	return a
}

// mac is the address of the router's interface, a virtual one of its own or not.
func (b *builder) mac(r *router) agentx.Value {
	l := b.links[r.link()]
	if l == nil {
		return absent
	}
	out := make([]byte, 0, 6)
	for i := 0; i+1 < len(l.MAC); i += 3 {
		out = append(out, hexDigit(l.MAC[i])<<4|hexDigit(l.MAC[i+1]))
	}
	return agentx.Octets(out)
}

func hexDigit(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}

// hundredths since an instant; 0 of none.
func (b *builder) since(at time.Time) uint32 {
	if at.IsZero() {
		return 0
	}
	return uint32(max(b.Now.Sub(at)/(time.Second/100), 0)) // wraps after 497 days, as TimeTicks do
}

// stamp is a TimeStamp: the master agent's sysUpTime then.
func (b *builder) stamp(at time.Time) agentx.Value {
	if at.IsZero() || b.Epoch.IsZero() || at.Before(b.Epoch) {
		return agentx.Ticks(0)
	}
	return agentx.Ticks(uint32(at.Sub(b.Epoch) / (time.Second / 100))) // see since
}

// total is a counter of all routers together.
func total(all []router, name string) (n uint64) {
	for i := range all {
		n += all[i].is.Counters[name]
	}
	return n
}

// associated is an address that a router stands for.
type associated struct {
	of *router
	ip netip.Addr
}

func associations(all []router) (out []associated) {
	for i := range all {
		for _, a := range all[i].conf.Addresses {
			out = append(out, associated{&all[i], a.Prefix.Addr()})
		}
	}
	return out
}

// rfc2787 is VRRP-MIB: the routers of version 2.
func (b *builder) rfc2787(all []router) {
	all = slices.DeleteFunc(slices.Clone(all), func(r router) bool { return !r.v2() })
	oper, stats := RFC2787.With(1), RFC2787.With(2)
	b.scalar(oper.With(1), agentx.Int(2))
	b.scalar(oper.With(2), truth(b.Conf.Global.SNMP.Traps))
	index := func(r *router) agentx.OID { return agentx.OID{part(b.ifIndex(r.conf.Interface)), part(r.conf.VRID)} }
	type rc = col[router]
	table(b.Tree, oper.With(3, 1), all, index,
		rc{2, b.mac},
		rc{3, func(r *router) agentx.Value { return agentx.Int(operState(r)) }},
		rc{4, func(*router) agentx.Value { return agentx.Int(1) }}, // up
		rc{5, func(r *router) agentx.Value { return agentx.Int(r.base()) }},
		rc{6, func(r *router) agentx.Value { return agentx.Int(len(r.conf.Addresses)) }},
		rc{7, func(r *router) agentx.Value { return agentx.IP(r.master()) }},
		rc{8, func(r *router) agentx.Value { return agentx.IP(r.source()) }},
		rc{9, func(r *router) agentx.Value {
			return agentx.Int(1 + map[string]int{"PASS": 1, "AH": 2}[r.conf.AuthType])
		}},
		rc{11, func(r *router) agentx.Value { return agentx.Int(int(r.conf.AdvertInt / time.Second)) }},
		rc{12, func(r *router) agentx.Value { return truth(r.preempts()) }},
		rc{13, func(r *router) agentx.Value { return b.stamp(r.is.Up) }},
		rc{14, func(*router) agentx.Value { return agentx.Int(1) }}, // ip
		rc{15, func(*router) agentx.Value { return agentx.Int(active) }})
	table(b.Tree, oper.With(4, 1), associations(all), func(a *associated) agentx.OID {
		return append(index(a.of), octets(a.ip)...)
	}, col[associated]{2, func(*associated) agentx.Value { return agentx.Int(active) }})
	for n, name := range []string{"chk_err", "vers_err", "vrid_err"} {
		b.scalar(stats.With(part(n+1)), agentx.Count(total(all, name)))
	}
	cols := make([]rc, 0, len(statsV2))
	for i, name := range statsV2 {
		cols = append(cols, rc{part(i + 1), func(r *router) agentx.Value { return agentx.Count(r.is.Counters[name]) }})
	}
	table(b.Tree, stats.With(4, 1), all, index, cols...)
}

// statsV2 are the columns of vrrpRouterStatsTable, by keepalived's names.
var statsV2 = []string{
	"become_master", "advert_rcvd", "advert_interval_err", "auth_failure", "ip_ttl_err", "pri_zero_rcvd", "pri_zero_sent",
	"invalid_type_rcvd", "addr_list_err", "invalid_authtype", "authtype_mismatch", "packet_len_err",
}

// octets are an address as an index has it, without its length.
func octets(a netip.Addr) (out agentx.OID) {
	for _, b := range a.AsSlice() {
		out = append(out, uint32(b))
	}
	return out
}
