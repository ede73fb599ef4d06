package checkd

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

const (
	// maxOverrides bounds what is remembered.
	maxOverrides = 4096
	// maxCandidates bounds the names that an error lists.
	maxCandidates = 10
	// allServices is the word for every virtual server that has such a server.
	allServices = "all"
)

// overrides are what operators said of servers. They hold until they are taken
// back, also of servers that the configuration does not have at present.
type overrides struct {
	all   map[target]*api.Override
	path  string // where they are kept
	busy  bool   // they are being written
	next  []func(error)
	lost  bool          // the file has not what is said now
	again time.Duration // until it is tried once more to write them
}

// target is a server of a pool, by the pool's ID.
type target struct{ pool, server string }

// of is what was said of a server.
func (o *overrides) of(pool, server string) lvs.Override {
	said := o.all[target{pool, server}]
	if said == nil {
		return lvs.Override{}
	}
	return lvs.Override{Kind: kinds[said.Kind], Weight: said.Weight}
}

var kinds = map[string]lvs.OverrideKind{api.ServerDrain: lvs.Drained, api.ServerDisable: lvs.Disabled, api.ServerWeight: lvs.Weighted}

// list gives them in an order that stays.
func (o *overrides) list(d *daemon) []api.Override {
	out := make([]api.Override, 0, len(o.all))
	for t, said := range o.all {
		one := *said
		one.Absent = d.find(t) == nil
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b api.Override) int {
		return cmp.Or(lvs.CompareNames(a.Service, b.Service), lvs.CompareNames(a.Server, b.Server))
	})
	return out
}

// find gives the server that is meant, if the configuration has it.
func (d *daemon) find(t target) *server {
	p := d.pools[t.pool]
	if p == nil {
		return nil
	}
	i := slices.IndexFunc(p.order, func(s *server) bool { return s.name() == t.server })
	if i < 0 {
		return nil
	}
	return p.order[i]
}

// command carries an operator's command out and answers when it is kept.
func (d *daemon) command(m ipc.Message, reply func(ipc.Message)) {
	answer := ipc.Message{Kind: ipc.Answer, Seq: m.Seq}
	var c api.ServerCommand
	err := json.Unmarshal(m.Body, &c)
	var done []api.Override
	if err == nil {
		done, err = d.override(c)
	}
	if err != nil {
		answer.Error = err.Error()
		reply(answer)
		return
	}
	d.settle()
	d.keep(func(err error) {
		a := api.ServerAnswer{Done: done}
		if err != nil {
			a.Unsaved = err.Error()
		}
		answer.Body = ipc.Marshal(a)
		reply(answer)
	})
}

// override changes what is said of some servers.
func (d *daemon) override(c api.ServerCommand) (done []api.Override, err error) {
	targets, err := d.targets(c)
	if err != nil {
		return nil, err
	}
	_, sets := kinds[c.Action]
	if sets && len(d.overrides.all)+len(targets) > maxOverrides {
		return nil, fmt.Errorf("%d overrides are the most that there may be; `holdfast server list` shows them", maxOverrides)
	}
	for _, t := range targets {
		said := d.overrides.all[t]
		if sets {
			said = &api.Override{Kind: c.Action, Since: time.Unix(0, d.loop.Read().Wall), Why: c.Why,
				Service: d.pools[t.pool].name(), Server: t.server}
			if c.Action == api.ServerWeight {
				said.Weight = c.Weight
			}
			d.overrides.all[t] = said
		} else {
			delete(d.overrides.all, t)
		}
		done = append(done, *said)
		d.tellOverride(said, sets)
		if s := d.find(t); s != nil {
			d.step(s.pool, lvs.Overridden{Server: s.key(), Override: d.overrides.of(t.pool, t.server)})
		}
	}
	return done, nil
}

func (d *daemon) tellOverride(o *api.Override, sets bool) {
	what := o.Kind
	if o.Kind == api.ServerWeight {
		what = fmt.Sprintf("weight %d", o.Weight)
	}
	d.say(o.Server, o.Why, "By command: %s%s service %s of VS %s", verb(sets, "", "no longer "), what, o.Server, o.Service)
}

// targets finds the servers that a command means.
func (d *daemon) targets(c api.ServerCommand) (out []target, err error) {
	if c.Action == api.ServerClear {
		return d.cleared(c.Service)
	}
	pools, err := d.services(c.Service)
	if err == nil {
		out, err = servers(pools, c.Server, c.Service == allServices)
	}
	if c.Action != api.ServerEnable {
		return out, err
	}
	if err != nil { // it may be one that the configuration no longer has
		out = d.said(func(o *api.Override) bool {
			return (c.Service == allServices || lvs.Find([]string{o.Service}, c.Service) != nil) && lvs.Find([]string{o.Server}, c.Server) != nil
		})
		if len(out) == 0 {
			return nil, err
		}
		return out, nil
	}
	had := slices.DeleteFunc(slices.Clone(out), func(t target) bool { return d.overrides.all[t] == nil })
	if len(had) == 0 {
		return nil, fmt.Errorf("nothing was said of %s; `holdfast server list` shows what was", out[0].server)
	}
	return had, nil
}

// cleared are the targets that are to be forgotten: those of a virtual server,
// which the configuration may no longer have, or all.
func (d *daemon) cleared(service string) ([]target, error) {
	if service == "" || service == allServices {
		return d.said(func(*api.Override) bool { return true }), nil
	}
	var names []string
	for _, p := range d.order {
		names = append(names, p.name())
	}
	for _, o := range d.overrides.all {
		if !slices.Contains(names, o.Service) {
			names = append(names, o.Service)
		}
	}
	at, err := only("virtual server", "", names, service)
	if err != nil {
		return nil, err
	}
	return d.said(func(o *api.Override) bool { return o.Service == names[at] }), nil
}

// said are the targets of overrides, in an order that stays.
func (d *daemon) said(which func(*api.Override) bool) (out []target) {
	for t, o := range d.overrides.all {
		if which(o) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b target) int {
		return cmp.Or(strings.Compare(a.pool, b.pool), strings.Compare(a.server, b.server))
	})
	return out
}

// services finds the virtual servers that are meant.
func (d *daemon) services(given string) ([]*pool, error) {
	if given == allServices {
		return d.order, nil
	}
	names := make([]string, len(d.order))
	for i, p := range d.order {
		names[i] = p.name()
	}
	at, err := only("virtual server", "", names, given)
	if err != nil {
		return nil, err
	}
	return []*pool{d.order[at]}, nil
}

// servers finds the real server that is meant, in one pool, or in all that
// have it.
func servers(pools []*pool, given string, all bool) (out []target, err error) {
	var refused error
	for _, p := range pools {
		names := make([]string, len(p.order))
		for i, s := range p.order {
			names[i] = s.name()
		}
		if all && len(lvs.Find(names, given)) == 0 {
			continue
		}
		at, err := only("real server", " of VS "+p.name(), names, given)
		if err != nil {
			refused = errors.Join(refused, err)
			continue
		}
		out = append(out, target{p.plan.ID, names[at]})
	}
	if refused == nil && len(out) == 0 {
		refused = fmt.Errorf("no virtual server has a real server %q", given)
	}
	return out, refused
}

// only finds the name that is meant, of what there is in a place.
func only(what, where string, names []string, given string) (at int, err error) {
	found := lvs.Find(names, given)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return 0, fmt.Errorf("there is no %s %q%s; there is %s", what, given, where, candidates(names))
	}
	fitting := make([]string, len(found))
	for i, k := range found {
		fitting[i] = names[k]
	}
	return 0, fmt.Errorf("%q may be any of %s; say which %s%s", given, candidates(fitting), what, where)
}

func candidates(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	more := ""
	if n := len(names) - maxCandidates; n > 0 {
		names, more = names[:maxCandidates], fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(names, ", ") + more
}
