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
	MarkPackets   // as the last Mark says; only in what Audit tells
)

// Op is one step of a difference. Service names the service in any case;
// Want is the whole wanted service for AddService and ChangeService, Server
// and WantServer are for the server verbs.
type Op struct {
	Verb       Verb
	Service    lvs.ServiceKey
	Want       *lvs.Service
	Server     lvs.ServerKey
	WantServer lvs.Server
}

// String says in a clause how the table was found, if this is what an audit
// had to do to it.
func (op Op) String() string {
	service := ServiceName(op.Service)
	server := ServerName(op.Service, op.Server) + " of VS " + service
	switch op.Verb {
	case AddService:
		return "VS " + service + " was gone"
	case ChangeService:
		return "VS " + service + " was changed"
	case AddServer:
		return server + " was gone"
	case ChangeServer:
		return server + " was changed"
	case RemoveServer:
		return server + " was added"
	case RemoveService:
		return "VS " + service + " was added"
	case MarkPackets:
		return "the firewall's marks were changed"
	}
	return ""
}

// Diff returns what turns have into want, in the order in which to write it:
// service by service what is new or different, then what is to go. Both
// tables must be canonical. Equal tables of any size cost one walk and no
// sorting, and services of equal versions not even that.
func Diff(have, want lvs.Table) []Op {
	changed := make([]lvs.ServiceKey, 0, 16)
	adds, removes := 0, 0
	for key, w := range want {
		h, exists := have[key]
		if exists && w.Version != 0 && w.Version == h.Version {
			continue
		}
		add, remove := countServers(h.Servers, w.Servers)
		if !exists || !sameService(h, w) {
			add++
		}
		if add+remove > 0 {
			changed = append(changed, key)
		}
		adds, removes = adds+add, removes+remove
	}
	d := difference{ops: make([]Op, 0, adds), gone: make([]Op, 0, removes)}
	slices.SortFunc(changed, compareServices)
	for _, key := range changed {
		h, exists := have[key]
		w := want[key]
		switch {
		case !exists:
			d.ops = append(d.ops, Op{Verb: AddService, Service: key, Want: &w})
		case !sameService(h, w):
			d.ops = append(d.ops, Op{Verb: ChangeService, Service: key, Want: &w})
		}
		d.servers(key, h.Servers, w.Servers)
	}
	d.services(have, want)
	return append(d.ops, d.gone...)
}

// difference collects what Diff finds.
type difference struct {
	ops, gone []Op
	keys      []lvs.ServerKey // scratch
}

// countServers returns how many servers are new or different, and how many go.
func countServers(have, want map[lvs.ServerKey]lvs.Server) (adds, removes int) {
	stay := 0
	for key, w := range want {
		h, exists := have[key]
		if exists {
			stay++
		}
		if !exists || h != w {
			adds++
		}
	}
	return adds, len(have) - stay
}

func (d *difference) servers(service lvs.ServiceKey, have, want map[lvs.ServerKey]lvs.Server) {
	d.keys = d.keys[:0]
	for key, w := range want {
		if h, exists := have[key]; !exists || h != w {
			d.keys = append(d.keys, key)
		}
	}
	// Who is to get nothing more comes last: others may be there for it only then.
	slices.SortFunc(d.keys, func(a, b lvs.ServerKey) int {
		return cmp.Or(cmp.Compare(emptied(want[a]), emptied(want[b])), a.Compare(b))
	})
	for _, key := range d.keys {
		verb := AddServer
		if _, exists := have[key]; exists {
			verb = ChangeServer
		}
		d.ops = append(d.ops, Op{Verb: verb, Service: service, Server: key, WantServer: want[key]})
	}
	d.keys = d.keys[:0]
	for key := range have {
		if _, stays := want[key]; !stays {
			d.keys = append(d.keys, key)
		}
	}
	slices.SortFunc(d.keys, lvs.ServerKey.Compare)
	for _, key := range d.keys {
		d.gone = append(d.gone, Op{Verb: RemoveServer, Service: service, Server: key})
	}
}

// emptied is 1 for a server that gets no new connections, otherwise 0.
func emptied(s lvs.Server) int {
	if s.Weight <= 0 {
		return 1
	}
	return 0
}

// services adds the services that are to go.
func (d *difference) services(have, want lvs.Table) {
	var keys []lvs.ServiceKey
	for key := range have {
		if _, stays := want[key]; !stays {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, compareServices)
	for _, key := range keys {
		d.gone = append(d.gone, Op{Verb: RemoveService, Service: key})
	}
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
		w := *op.Want
		w.Servers, w.Version = s.Servers, 0 // until all of it is written
		if w.Servers == nil {
			w.Servers = make(map[lvs.ServerKey]lvs.Server, len(op.Want.Servers)) // they come next
		}
		t[op.Service] = w
	case AddServer, ChangeServer:
		s.Servers[op.Server] = op.WantServer
		unversion(t, op.Service, s)
	case RemoveServer:
		delete(s.Servers, op.Server)
		unversion(t, op.Service, s)
	case RemoveService:
		delete(t, op.Service)
	}
}

// unversion: a service in the middle of a difference is of no version.
func unversion(t lvs.Table, key lvs.ServiceKey, s lvs.Service) {
	if s.Version != 0 {
		s.Version = 0
		t[key] = s
	}
}

// sameService compares all but the servers.
func sameService(a, b lvs.Service) bool {
	return a.Scheduler == b.Scheduler && a.Flags == b.Flags && a.Persistence == b.Persistence &&
		a.Netmask == b.Netmask && a.PersistenceEngine == b.PersistenceEngine && a.Proxy == b.Proxy
}

func compareServices(a, b lvs.ServiceKey) int {
	return cmp.Or(cmp.Compare(a.FWMark, b.FWMark), cmp.Compare(a.Family, b.Family), a.Addr.Compare(b.Addr),
		cmp.Compare(a.Port, b.Port), cmp.Compare(a.Protocol, b.Protocol))
}
