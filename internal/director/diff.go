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

// Diff returns what turns have into want. Both tables must be canonical.
func Diff(have, want lvs.Table) []Op { return slices.Collect(Steps(have, lvs.Whole(want))) }

// Steps gives what a delta changes in have, in the order in which to write it:
// service by service what is new or different, then what is to go. Both must be
// canonical, and neither may change meanwhile. It looks at what the delta names
// and no further; what is as it should be already costs no step.
func Steps(have lvs.Table, d lvs.Delta) iter.Seq[Op] {
	return func(yield func(Op) bool) {
		x := difference{have: have, want: d.Services, yield: yield}
		changed := x.changed()
		for _, key := range changed {
			if !x.comes(key) {
				return
			}
		}
		for _, key := range changed {
			if !x.goes(key) {
				return
			}
		}
		x.services(d.All)
	}
}

// difference is what Steps is at.
type difference struct {
	have  lvs.Table
	want  map[lvs.ServiceKey]lvs.ServiceDelta
	yield func(Op) bool   // false: stop
	keys  []lvs.ServerKey // scratch
}

// changed are the services that stay and differ, sorted.
func (x *difference) changed() []lvs.ServiceKey {
	var keys []lvs.ServiceKey
	for key, c := range x.want {
		if h, exists := x.have[key]; !c.Gone && differs(h, exists, c) {
			if keys == nil {
				keys = make([]lvs.ServiceKey, 0, 1+max(0, len(x.want)-len(x.have)))
			}
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, compareServices)
	return keys
}

// differs reports whether a change of a service makes a difference.
func differs(h lvs.Service, exists bool, c lvs.ServiceDelta) bool {
	switch {
	case c.Gone:
		return exists
	case c.Service != nil:
		return !exists || !SameService(h, *c.Service) || !maps.Equal(h.Servers, c.Service.Servers)
	case !exists:
		return false // of what is not there nothing can become different
	}
	for key, p := range c.Servers {
		if was, had := h.Servers[key]; p.In != had || had && was != p.Server {
			return true
		}
	}
	return false
}

// comes gives what is new or different about a service.
func (x *difference) comes(service lvs.ServiceKey) bool {
	c := x.want[service]
	h, exists := x.have[service]
	more := true
	switch {
	case c.Service == nil:
	case !exists:
		more = x.yield(Op{Verb: AddService, Service: service, Want: c.Service})
	case !SameService(h, *c.Service):
		more = x.yield(Op{Verb: ChangeService, Service: service, Want: c.Service})
	}
	return more && x.servers(service, h.Servers, c)
}

// in gives what a change says of a server that is to be there.
func in(c lvs.ServiceDelta, key lvs.ServerKey) (lvs.Server, bool) {
	if c.Service != nil {
		s, stays := c.Service.Servers[key]
		return s, stays
	}
	p := c.Servers[key]
	return p.Server, p.In
}

// named gives the servers that may come or change by a change; those that may
// go are among them or, where the whole service is given, among what it has.
func named(c lvs.ServiceDelta) iter.Seq[lvs.ServerKey] {
	if c.Service != nil {
		return maps.Keys(c.Service.Servers)
	}
	return maps.Keys(c.Servers)
}

func (x *difference) servers(service lvs.ServiceKey, have map[lvs.ServerKey]lvs.Server, c lvs.ServiceDelta) bool {
	x.keys = x.keys[:0]
	for key := range named(c) {
		is, stays := in(c, key)
		if was, had := have[key]; stays && (!had || was != is) {
			x.keys = append(x.keys, key)
		}
	}
	// Who is to get nothing more comes last: others may be there for it only then.
	slices.SortFunc(x.keys, func(a, b lvs.ServerKey) int {
		one, _ := in(c, a)
		other, _ := in(c, b)
		return cmp.Or(cmp.Compare(emptied(one), emptied(other)), a.Compare(b))
	})
	for _, key := range x.keys {
		verb := AddServer
		if _, exists := have[key]; exists {
			verb = ChangeServer
		}
		is, _ := in(c, key)
		if !x.yield(Op{Verb: verb, Service: service, Server: key, WantServer: is}) {
			return false
		}
	}
	return true
}

// goes gives the servers of a service that are to go.
func (x *difference) goes(service lvs.ServiceKey) bool {
	have, c := x.have[service].Servers, x.want[service]
	candidates := maps.Keys(have)
	if c.Service == nil {
		candidates = maps.Keys(c.Servers)
	}
	x.keys = x.keys[:0]
	for key := range candidates {
		_, had := have[key]
		if _, stays := in(c, key); had && !stays {
			x.keys = append(x.keys, key)
		}
	}
	slices.SortFunc(x.keys, lvs.ServerKey.Compare)
	for _, key := range x.keys {
		if !x.yield(Op{Verb: RemoveServer, Service: service, Server: key}) {
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

// services gives the services that are to go, all among them that are not
// named.
func (x *difference) services(all bool) {
	var keys []lvs.ServiceKey
	if all {
		for key := range x.have {
			if c, named := x.want[key]; !named || c.Gone {
				keys = append(keys, key)
			}
		}
	} else {
		for key, c := range x.want {
			if _, had := x.have[key]; had && c.Gone {
				keys = append(keys, key)
			}
		}
	}
	slices.SortFunc(keys, compareServices)
	for _, key := range keys {
		if !x.yield(Op{Verb: RemoveService, Service: key}) {
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
// is not there are left out.
func (op Op) Apply(t lvs.Table) {
	s, exists := t[op.Service]
	if !exists && op.Verb != AddService && op.Verb != ChangeService {
		return
	}
	switch op.Verb {
	case AddService, ChangeService:
		w := *op.Want
		if w.Servers = s.Servers; w.Servers == nil {
			w.Servers = make(map[lvs.ServerKey]lvs.Server, len(op.Want.Servers)) // they come next
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

// SameService compares all but the servers.
func SameService(a, b lvs.Service) bool {
	return a.Scheduler == b.Scheduler && a.Flags == b.Flags && a.Persistence == b.Persistence &&
		a.Netmask == b.Netmask && a.PersistenceEngine == b.PersistenceEngine && a.Proxy == b.Proxy
}

func compareServices(a, b lvs.ServiceKey) int {
	return cmp.Or(cmp.Compare(a.FWMark, b.FWMark), cmp.Compare(a.Family, b.Family), a.Addr.Compare(b.Addr),
		cmp.Compare(a.Port, b.Port), cmp.Compare(a.Protocol, b.Protocol))
}
