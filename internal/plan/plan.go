// Package plan says what a reload does: old and new configuration in, and for
// each object out whether it is kept, changed in place, restarted, added or
// removed, and what of it changed. It does nothing itself.
//
// Who continues whom is decided by the same functions that the daemons use
// (match.go, vrrp.Match), so `holdfast config diff` and a reload cannot say
// different things. What changed is found by comparing what package print
// would write, inherited values included.
//
// The printing of a plan is in text.go; the command is package cli's.
package plan

import (
	"slices"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/print"
)

// Verdict is what a reload does to an object.
type Verdict uint8

const (
	Kept      Verdict = iota // nothing about it changes
	Changed                  // it goes on, with other settings
	Restarted                // it ends and another one of its name begins
	Added
	Removed
)

var verdicts = [...]string{"kept", "changed", "restarted", "added", "removed"}

func (v Verdict) String() string { return verdicts[v] }

// MarshalText makes verdicts words in JSON.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Object is something that a reload decides about.
type Object struct {
	Kind    string   `json:"kind"` // the keyword: vrrp_instance, real_server …
	Name    string   `json:"name"`
	Verdict Verdict  `json:"verdict"`
	Changes []Change `json:"changes,omitempty"`
	// Why says what comes of it, or why it cannot be changed in place.
	Why string `json:"why,omitempty"`
	// Parts are objects within: real servers, and their checkers.
	Parts []Object `json:"parts,omitempty"`
}

// Change is a setting that is another one afterwards.
type Change struct {
	Keyword string `json:"keyword"`
	// Old and New are the values, empty where there is none. A secret's are
	// both empty.
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
	// Removed and Added are lines of a list.
	Removed []string `json:"removed,omitempty"`
	Added   []string `json:"added,omitempty"`
	// Reordered: the list has the same lines in another order.
	Reordered bool `json:"reordered,omitempty"`
}

// Plan is what a reload does, in the order in which configurations are dumped.
type Plan struct {
	Objects []Object `json:"objects"`
}

// Make compares two configurations.
func Make(have, want *conf.Config) *Plan {
	p := &Plan{}
	p.global(have, want)
	p.scripts(have, want)
	p.named(have, want)
	p.ssl(have, want)
	p.groups(have, want)
	p.routers(have, want)
	p.services(have, want)
	return p
}

// Changes reports whether a reload changes anything.
func (p *Plan) Changes() bool { return changes(p.Objects) }

func changes(list []Object) bool {
	return slices.ContainsFunc(list, func(o Object) bool { return o.Verdict != Kept || changes(o.Parts) })
}

func (p *Plan) add(o Object) { p.Objects = append(p.Objects, o) }

// global compares global_defs, what stands at the file's root beside it, and
// what is there whatever the state.
func (p *Plan) global(have, want *conf.Config) {
	a, b := print.Root(have), print.Root(want)
	defs := func(t *print.Block) *print.Block {
		return t.Blocks[slices.IndexFunc(t.Blocks, func(b *print.Block) bool { return b.Keyword == "global_defs" })]
	}
	o := judge("global_defs", "", compare(defs(a), defs(b)))
	switch {
	case have.Global.Director != want.Global.Director:
		o.Verdict = Restarted
		o.Why = "the new director has every service before the old one lets go"
	case o.Verdict == Changed:
		o.Why = "what objects inherit is told with them"
	}
	p.add(o)
	for _, c := range compare(a, b) {
		o := Object{Kind: c.Keyword, Verdict: Changed, Changes: []Change{c}}
		if !slices.Contains(live, c.Keyword) {
			o.Why = "it counts when holdfast is started anew"
		}
		p.add(o)
	}
	p.paces(a, b)
}

// ssl compares the SSL block.
func (p *Plan) ssl(have, want *conf.Config) {
	block := func(c *conf.Config) *print.Block {
		if c.SSL == nil {
			return &print.Block{Keyword: "SSL"}
		}
		return print.SSL(c.SSL)
	}
	o := judge("SSL", "", compare(block(have), block(want)))
	switch {
	case have.SSL == nil && want.SSL == nil:
		return
	case have.SSL == nil:
		o.Verdict = Added
	case want.SSL == nil:
		o.Verdict = Removed
	}
	p.add(o)
}

// live are the keywords of the root that a reload takes in.
var live = []string{
	"static_ipaddress", "static_routes", "static_rules",
	"linkbeat_interfaces", "linkbeat_use_polling", "interface_up_down_delays",
}

// paces compares garp_groups, which have no names, in their order.
func (p *Plan) paces(have, want *print.Block) {
	groups := func(t *print.Block) (all []*print.Block) {
		for _, b := range t.Blocks {
			if b.Keyword == "garp_group" {
				all = append(all, b)
			}
		}
		return all
	}
	a, b := groups(have), groups(want)
	none := &print.Block{Keyword: "garp_group"}
	for i := range max(len(a), len(b)) {
		was, is := none, none
		if i < len(a) {
			was = a[i]
		}
		if i < len(b) {
			is = b[i]
		}
		if c := compare(was, is); len(c) > 0 {
			p.add(judge("garp_group", "", c))
		}
	}
}

// named matches blocks by their keyword and name.
func (p *Plan) named(have, want *conf.Config) {
	key := func(b *print.Block) [2]string { return [2]string{b.Keyword, print.Words(b.Name...)} }
	was, before := map[[2]string]*print.Block{}, print.Others(have)
	for _, b := range before {
		was[key(b)] = b
	}
	for _, b := range print.Others(want) {
		k := key(b)
		if old := was[k]; old != nil {
			p.add(judge(k[0], k[1], compare(old, b)))
			delete(was, k)
		} else {
			p.add(Object{Kind: k[0], Name: k[1], Verdict: Added})
		}
	}
	for _, b := range before {
		if k := key(b); was[k] != nil {
			p.add(Object{Kind: k[0], Name: k[1], Verdict: Removed})
		}
	}
}

// judge is an object that goes on.
func judge(kind, name string, c []Change) Object {
	o := Object{Kind: kind, Name: name, Changes: c}
	if len(c) > 0 {
		o.Verdict = Changed
	}
	return o
}
