package mib

import (
	"net/netip"
	"strconv"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// usualLink is where static addresses without an interface go.
const usualLink = "eth0"

// scopes are the numbers of InetScopeType (RFC 4007) for those of rtnetlink.
var scopes = map[string]int{"": 14, "global": 14, "universe": 14, "0": 14, "nowhere": 255, "255": 255, "host": 1, "254": 1, "link": 2, "253": 2, "site": 5, "200": 5}

func scope(name string) agentx.Value {
	if n, ok := scopes[name]; ok {
		return agentx.Int(n)
	}
	n, _ := strconv.Atoi(name) // what has no number is 0
	return agentx.Int(n)
}

// held is an address of an instance; static ones are of instance 0.
type held struct {
	conf       *conf.Address
	dev        string
	set, named bool // it is there; adverts have it
}

// addresses is vrrpAddressTable.
func (b *builder) addresses(all []router) {
	var rows []number[held]
	for i := range b.Conf.StaticAddresses {
		a := &b.Conf.StaticAddresses[i]
		dev := choose(a.Dev != "", a.Dev, choose(b.Conf.Global.DefaultInterface != "", b.Conf.Global.DefaultInterface, usualLink))
		rows = append(rows, number[held]{0, i + 1, held{a, dev, true, false}})
	}
	for i := range all {
		r, n := &all[i], 0
		for which, list := range [][]conf.Address{r.conf.Addresses, r.conf.Excluded} {
			for j := range list {
				n++
				a := &list[j]
				rows = append(rows, number[held]{r.n, n, held{a, choose(a.Dev != "", a.Dev, r.link()), r.is.Addresses, which == 0}})
			}
		}
	}
	type hc = col[number[held]]
	table(b.Tree, vrrp.With(6, 1), rows, (*number[held]).index,
		hc{2, func(h *number[held]) agentx.Value { return family(h.it.conf.Prefix.Addr()) }},
		hc{3, func(h *number[held]) agentx.Value { return address(h.it.conf.Prefix.Addr()) }},
		hc{4, func(h *number[held]) agentx.Value { return broadcast(h.it.conf) }},
		hc{5, func(h *number[held]) agentx.Value { return agentx.Unsigned(part(h.it.conf.Prefix.Bits())) }},
		hc{6, func(h *number[held]) agentx.Value { return scope(h.it.conf.Scope) }},
		hc{7, func(h *number[held]) agentx.Value { return agentx.Int(b.ifIndex(h.it.dev)) }},
		hc{8, func(h *number[held]) agentx.Value { return text(h.it.dev) }},
		hc{9, func(h *number[held]) agentx.Value { return text(h.it.conf.Label) }},
		hc{10, func(h *number[held]) agentx.Value { return truth(h.it.set) }},
		hc{11, func(h *number[held]) agentx.Value { return truth(h.it.named) }},
		hc{12, func(h *number[held]) agentx.Value { return address(h.it.conf.Peer.Addr()) }})
}

// broadcast of IPv4; 0.0.0.0 where none was given.
func broadcast(a *conf.Address) agentx.Value {
	if !a.Prefix.Addr().Is4() {
		return absent
	}
	if a.Broadcast.IsValid() {
		return address(a.Broadcast)
	}
	return address(netip.IPv4Unspecified())
}
