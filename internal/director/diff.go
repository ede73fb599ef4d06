package director

import (
	"cmp"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// Verb is what an Op does. Their order is the order in which a difference is
// written: what is added or changed comes before what goes.
type Verb uint8

// The verbs.
const (
	AddService Verb = iota
	ChangeService
	AddServer
	ChangeServer
	RemoveServer
	RemoveService // with all servers that it still has
)

// Op is one step of a difference. Service and Want are the whole wanted
// service for the service verbs, and Server and WantServer for the server verbs.
type Op struct {
	Verb       Verb
	Service    lvs.ServiceKey
	Want       lvs.Service
	Server     lvs.ServerKey
	WantServer lvs.Server
}

// Diff returns what turns have into want, in the order in which to write it:
// service by service what is new or different, then what is to go. Both
// tables must have canonical keys.
func Diff(have, want lvs.Table) []Op {
	var ops, gone []Op
	for _, key := range sortedServices(want) {
		h, exists := have[key]
		w := want[key]
		switch {
		case !exists:
			ops = append(ops, Op{Verb: AddService, Service: key, Want: w})
		case !sameService(h, w):
			ops = append(ops, Op{Verb: ChangeService, Service: key, Want: w})
		}
		added, removed := diffServers(key, h.Servers, w.Servers)
		ops, gone = append(ops, added...), append(gone, removed...)
	}
	for _, key := range sortedServices(have) {
		if _, stays := want[key]; !stays {
			gone = append(gone, Op{Verb: RemoveService, Service: key})
		}
	}
	return append(ops, gone...)
}

func diffServers(service lvs.ServiceKey, have, want map[lvs.ServerKey]lvs.Server) (ops, gone []Op) {
	for _, key := range sortedServers(want) {
		h, exists := have[key]
		switch w := want[key]; {
		case !exists:
			ops = append(ops, Op{Verb: AddServer, Service: service, Server: key, WantServer: w})
		case h != w:
			ops = append(ops, Op{Verb: ChangeServer, Service: service, Server: key, WantServer: w})
		}
	}
	for _, key := range sortedServers(have) {
		if _, stays := want[key]; !stays {
			gone = append(gone, Op{Verb: RemoveServer, Service: service, Server: key})
		}
	}
	return ops, gone
}

// Count adds op to c.
func (c *Changes) Count(op Op) {
	switch op.Verb {
	case AddService, AddServer:
		c.Added++
	case ChangeService, ChangeServer:
		c.Changed++
	case RemoveServer, RemoveService:
		c.Removed++
	}
}

// Apply does op to t, a table that is remembered. Servers of a service that
// is not there are left out.
func (op Op) Apply(t lvs.Table) {
	s, exists := t[op.Service]
	if !exists && op.Verb != AddService && op.Verb != ChangeService {
		return
	}
	switch op.Verb {
	case AddService, ChangeService:
		w := op.Want
		w.Servers = s.Servers
		if w.Servers == nil {
			w.Servers = map[lvs.ServerKey]lvs.Server{}
		}
		t[op.Service] = w
	case AddServer, ChangeServer:
		s.Servers[op.Server] = op.WantServer
	case RemoveServer:
		delete(s.Servers, op.Server)
	case RemoveService:
		delete(t, op.Service)
	}
}

// sameService compares all but the servers.
func sameService(a, b lvs.Service) bool {
	return a.Scheduler == b.Scheduler && a.Flags == b.Flags && a.Persistence == b.Persistence &&
		a.Netmask == b.Netmask && a.PersistenceEngine == b.PersistenceEngine
}

func sortedServices(t lvs.Table) []lvs.ServiceKey {
	keys := make([]lvs.ServiceKey, 0, len(t))
	for k := range t {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b lvs.ServiceKey) int {
		return cmp.Or(cmp.Compare(a.FWMark, b.FWMark), cmp.Compare(a.Family, b.Family), a.Addr.Compare(b.Addr),
			cmp.Compare(a.Port, b.Port), cmp.Compare(a.Protocol, b.Protocol))
	})
	return keys
}

func sortedServers(m map[lvs.ServerKey]lvs.Server) []lvs.ServerKey {
	keys := make([]lvs.ServerKey, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b lvs.ServerKey) int {
		return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Port, b.Port))
	})
	return keys
}
