package director

import (
	"cmp"
	"iter"
	"maps"
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
func Diff(have, want lvs.Table) []Op { return slices.Collect(Steps(have, want)) }

// Steps gives what Diff does one by one, so that tens of thousands need not be
// in memory at once. Neither table may change meanwhile.
func Steps(have, want lvs.Table) iter.Seq[Op] {
	return func(yield func(Op) bool) {
		d := difference{have: have, want: want, yield: yield}
		changed := d.changed()
		for _, key := range changed {
			if !d.comes(key) {
				return
			}
		}
		for _, key := range changed {
			if !d.goes(key) {
				return
			}
		}
		d.services()
	}
}

// difference is what Steps is at.
type difference struct {
	have, want lvs.Table
	yield      func(Op) bool   // false: stop
	keys       []lvs.ServerKey // scratch
}

// changed are the services that differ, sorted.
func (d *difference) changed() []lvs.ServiceKey {
	var keys []lvs.ServiceKey
	for key, w := range d.want {
		h, exists := d.have[key]
		switch {
		case exists && w.Version != 0 && w.Version == h.Version:
		case !exists || !SameService(h, w) || !sameServers(&h, &w):
			if keys == nil {
				keys = make([]lvs.ServiceKey, 0, 1+max(0, len(d.want)-len(d.have)))
			}
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, compareServices)
	return keys
}

// comes gives what is new or different about a service.
func (d *difference) comes(service lvs.ServiceKey) bool {
	w := d.want[service]
	h, exists := d.have[service]
	more := true
	switch {
	case !exists:
		more = d.yield(Op{Verb: AddService, Service: service, Want: &w})
	case !SameService(h, w):
		more = d.yield(Op{Verb: ChangeService, Service: service, Want: &w})
	}
	return more && d.servers(service, &h, &w)
}

// sameServers compares the servers of two versions, where it is known only
// those that can differ.
func sameServers(h, w *lvs.Service) bool {
	touched, known := w.Since(h)
	if !known {
		return maps.Equal(h.Servers, w.Servers)
	}
	return !slices.ContainsFunc(touched, func(key lvs.ServerKey) bool {
		was, had := h.Servers[key]
		is, in := w.Servers[key]
		return had != in || was != is
	})
}

// candidates are the servers in which a service can differ from what it was:
// who was touched since, or else all that it has.
func candidates(h, w *lvs.Service, all map[lvs.ServerKey]lvs.Server) iter.Seq[lvs.ServerKey] {
	if touched, known := w.Since(h); known {
		return slices.Values(touched)
	}
	return maps.Keys(all)
}

func (d *difference) servers(service lvs.ServiceKey, h, w *lvs.Service) bool {
	have, want := h.Servers, w.Servers
	d.keys = d.keys[:0]
	for key := range candidates(h, w, want) {
		is, in := want[key]
		if was, had := have[key]; in && (!had || was != is) {
			d.keys = append(d.keys, key)
		}
	}
	// Who is to get nothing more comes last: others may be there for it only then.
	slices.SortFunc(d.keys, func(a, b lvs.ServerKey) int {
		return cmp.Or(cmp.Compare(emptied(want[a]), emptied(want[b])), a.Compare(b))
	})
	d.keys = slices.Compact(d.keys)
	for _, key := range d.keys {
		verb := AddServer
		if _, exists := have[key]; exists {
			verb = ChangeServer
		}
		if !d.yield(Op{Verb: verb, Service: service, Server: key, WantServer: want[key]}) {
			return false
		}
	}
	return true
}

// goes gives the servers of a service that are to go.
func (d *difference) goes(service lvs.ServiceKey) bool {
	h, w := d.have[service], d.want[service]
	d.keys = d.keys[:0]
	for key := range candidates(&h, &w, h.Servers) {
		_, had := h.Servers[key]
		if _, stays := w.Servers[key]; had && !stays {
			d.keys = append(d.keys, key)
		}
	}
	slices.SortFunc(d.keys, lvs.ServerKey.Compare)
	d.keys = slices.Compact(d.keys)
	for _, key := range d.keys {
		if !d.yield(Op{Verb: RemoveServer, Service: service, Server: key}) {
			return false
		}
	}
	return true
}

// emptied is 1 for a server that gets no new connections, otherwise 0.
func emptied(s lvs.Server) int {
	if s.Weight <= 0 {
		return 1
	}
	return 0
}

// services gives the services that are to go.
func (d *difference) services() {
	var keys []lvs.ServiceKey
	for key := range d.have {
		if _, stays := d.want[key]; !stays {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, compareServices)
	for _, key := range keys {
		if !d.yield(Op{Verb: RemoveService, Service: key}) {
			return
		}
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
// is not there are left out. A service of a version may share its servers with
// who wanted it; who changes it first makes a copy.
func (op Op) Apply(t lvs.Table) {
	s, exists := t[op.Service]
	if !exists && op.Verb != AddService && op.Verb != ChangeService {
		return
	}
	switch op.Verb {
	case AddService, ChangeService:
		w := *op.Want
		w.Alone() // until all of it is written
		w.Servers = unversion(t, op.Service, s).Servers
		if w.Servers == nil {
			w.Servers = make(map[lvs.ServerKey]lvs.Server, len(op.Want.Servers)) // they come next
		}
		t[op.Service] = w
	case AddServer, ChangeServer:
		unversion(t, op.Service, s).Servers[op.Server] = op.WantServer
	case RemoveServer:
		delete(unversion(t, op.Service, s).Servers, op.Server)
	case RemoveService:
		delete(t, op.Service)
	}
}

// unversion: a service in the middle of a difference is of no version, and has
// its servers for itself.
func unversion(t lvs.Table, key lvs.ServiceKey, s lvs.Service) lvs.Service {
	if s.Version != 0 {
		s.Alone()
		s.Servers = maps.Clone(s.Servers)
		t[key] = s
	}
	return s
}

// SameService compares all but the servers.
func SameService(a, b lvs.Service) bool {
	return a.Scheduler == b.Scheduler && a.Flags == b.Flags && a.Persistence == b.Persistence &&
		a.Netmask == b.Netmask && a.PersistenceEngine == b.PersistenceEngine && a.Proxy == b.Proxy
}

func compareServices(a, b lvs.ServiceKey) int {
	return cmp.Or(cmp.Compare(a.FWMark, b.FWMark), cmp.Compare(a.Family, b.Family), a.Addr.Compare(b.Addr),
		cmp.Compare(a.Port, b.Port), cmp.Compare(a.Protocol, b.Protocol))
}
