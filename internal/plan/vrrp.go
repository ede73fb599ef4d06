package plan

import (
	"reflect"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/print"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// routers matches virtual routers as the machine does.
func (p *Plan) routers(have, want *conf.Config) {
	a, b := build.FromVRRP(have), build.FromVRRP(want)
	from := vrrp.Match(a.Node.Routers, b.Node.Routers)
	was := make(map[string]*conf.VRRPInstance, len(have.Instances))
	for _, i := range have.Instances {
		was[i.Name] = i
	}
	done := map[string]bool{}
	for n, i := range want.Instances {
		done[i.Name] = true
		o := Object{Kind: "vrrp_instance", Name: i.Name}
		old := was[i.Name]
		if old == nil {
			o.Verdict, o.Why = Added, "it begins as "+state(i)
		} else {
			o = judge(o.Kind, o.Name, compare(print.Instance(old, &have.Global), print.Instance(i, &want.Global)))
			if from[n] < 0 {
				o.Verdict = Restarted
				o.Why = "it is another virtual router now: the old one resigns, this one begins as " + state(i)
			} else if o.Verdict == Kept && !reflect.DeepEqual(a.Node.Routers[from[n]], b.Node.Routers[n]) {
				o.Verdict, o.Why = Changed, "what it tracks has other weights"
			}
		}
		p.add(o)
	}
	for _, i := range have.Instances {
		if !done[i.Name] {
			p.add(Object{Kind: "vrrp_instance", Name: i.Name, Verdict: Removed, Why: "it resigns, and its addresses go"})
		}
	}
}

func state(i *conf.VRRPInstance) string {
	if i.StateMaster {
		return "MASTER"
	}
	return "BACKUP"
}

// groups go by their names. Their members' states are the machine's to settle.
func (p *Plan) groups(have, want *conf.Config) {
	was := make(map[string]*conf.SyncGroup, len(have.Groups))
	for _, g := range have.Groups {
		was[g.Name] = g
	}
	for _, g := range want.Groups {
		if old := was[g.Name]; old != nil {
			p.add(judge("vrrp_sync_group", g.Name, compare(print.Group(old), print.Group(g))))
			delete(was, g.Name)
		} else {
			p.add(Object{Kind: "vrrp_sync_group", Name: g.Name, Verdict: Added})
		}
	}
	for _, g := range have.Groups {
		if was[g.Name] != nil {
			p.add(Object{Kind: "vrrp_sync_group", Name: g.Name, Verdict: Removed})
		}
	}
}

// scripts are those that somebody tracks; the others do not run.
func (p *Plan) scripts(have, want *conf.Config) {
	a, b := build.FromVRRP(have).Scripts, build.FromVRRP(want).Scripts
	from := Scripts(a, b)
	was, now := map[string]*conf.VRRPScript{}, map[string]*conf.VRRPScript{}
	for _, s := range have.Scripts {
		was[s.Name] = s
	}
	for _, s := range want.Scripts {
		now[s.Name] = s
	}
	for i, s := range b {
		o := Object{Kind: "vrrp_script", Name: s.Name}
		switch {
		case from[i] >= 0:
			o = judge(o.Kind, o.Name, compare(print.Script(was[s.Name]), print.Script(now[s.Name])))
		case slices.ContainsFunc(a, func(old build.Script) bool { return old.Name == s.Name }):
			o.Verdict, o.Why = Restarted, "another program: what is known of the old one says nothing about it"
			o.Changes = compare(print.Script(was[s.Name]), print.Script(now[s.Name]))
		default:
			o.Verdict = Added
		}
		p.add(o)
	}
	for _, s := range a {
		if !slices.ContainsFunc(b, func(n build.Script) bool { return n.Name == s.Name }) {
			p.add(Object{Kind: "vrrp_script", Name: s.Name, Verdict: Removed})
		}
	}
}
