package conf

import (
	"github.com/holdfast-ha/holdfast/internal/conf/schema"
	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// finishTracks drops tracked scripts that are not defined, or only further
// down, where keepalived does not see them.
func (l *loader) finishTracks() {
	have := make(map[string]*VRRPScript, len(l.cfg.Scripts))
	l.scriptByName = have
	for _, s := range l.cfg.Scripts {
		have[s.Name] = s
	}
	above := make(map[string]int, len(l.scripts))
	for i, s := range l.scripts {
		above[s.name.Text] = i + 1
	}
	late, unsaid := map[Pos]bool{}, map[Pos]bool{}
	for _, t := range l.tracked {
		if !t.said {
			unsaid[l.pos(t.word)] = true
		}
		switch at := above[t.word.Text]; {
		case at == 0:
			l.fault("HF023", t.word, "there is no vrrp_script "+t.word.Text+", it is not tracked", "the name of a vrrp_script", l.nearestScript(t.word.Text))
		case at > t.before:
			l.fault("HF023", t.word, "vrrp_script "+t.word.Text+" is defined further down, it is not tracked", "vrrp_script before it is used", "")
			late[l.pos(t.word)] = true
		}
	}
	drop := func(list []Track) []Track {
		kept := list[:0]
		for _, t := range list {
			if s := have[t.Name]; s != nil && !late[t.Pos] {
				t.Reverse = t.Reverse || t.WeightSet && s.Reverse && unsaid[t.Pos]
				kept = append(kept, t)
			}
		}
		return kept
	}
	for _, i := range l.cfg.Instances {
		i.TrackScripts = drop(i.TrackScripts)
		if i.Priority == ownerPriority {
			l.dropWeights(i, "an address owner (priority 255)")
		}
	}
	for _, g := range l.cfg.Groups {
		g.TrackScripts = drop(g.TrackScripts)
	}
}

// startTogether: a group whose members do not all begin as MASTER begins as
// BACKUP.
func (l *loader) startTogether(g *SyncGroup) {
	all := true
	for _, m := range g.Members {
		all = all && l.byName[m].inst.StateMaster
	}
	for _, m := range g.Members {
		l.byName[m].inst.StateMaster = all
	}
}

// noWeights: what weighs would let members of a group go apart.
func (l *loader) noWeights(g *SyncGroup) {
	for _, m := range g.Members {
		l.dropWeights(l.byName[m].inst, "a member of vrrp_sync_group "+g.Name+" without sync_group_tracking_weight")
	}
}

// dropWeights: a priority that must not change has no use for weights.
func (l *loader) dropWeights(i *VRRPInstance, why string) {
	i.TrackScripts = l.weightless(i.TrackScripts, "vrrp_script", why, func(name string) (int, bool) {
		s := l.scriptByName[name]
		if s == nil {
			return 0, false
		}
		return s.Weight, true
	})
	for _, of := range []struct {
		kind string
		refs *[]Track
	}{{"track_file", &i.TrackFiles}, {"track_process", &i.TrackProcesses}, {"track_bfd", &i.TrackBFDs}} {
		*of.refs = l.weightless(*of.refs, of.kind, why, func(name string) (int, bool) {
			weight, _, ok := l.weighs(of.kind, name)
			return weight, ok
		})
	}
	ifaces := i.TrackIfaces[:0]
	for _, t := range i.TrackIfaces {
		if t.Weight != 0 {
			l.walk.Fault("HF043", diag.Error, l.wordAt(t), "the weight of "+t.Name+" is ignored for "+why, "no weight", "")
			t.Weight, t.WeightSet = 0, false
			if i.Priority == ownerPriority {
				continue // not tracked at all
			}
		}
		ifaces = append(ifaces, t)
	}
	i.TrackIfaces = ifaces
}

// weightless keeps the references without a weight and complains of the others.
// own is the weight of the tracked thing's block, if there is one; a reference
// that says none has that.
func (l *loader) weightless(refs []Track, kind, why string, own func(name string) (int, bool)) []Track {
	kept := refs[:0]
	for _, t := range refs {
		weight := t.Weight
		if w, ok := own(t.Name); ok && !t.WeightSet {
			weight = w
		}
		if weight != 0 {
			l.walk.Fault("HF043", diag.Error, l.wordAt(t), kind+" "+t.Name+" with a weight is not tracked by "+why, "weight 0", "")
			continue
		}
		kept = append(kept, t)
	}
	return kept
}

// wordAt finds the word that named a tracked thing again.
func (l *loader) wordAt(t Track) syntax.Word {
	for i, f := range l.files {
		if f == t.Pos.File {
			return syntax.Word{Text: t.Name, At: syntax.Pos{File: int32(i), Line: int32(t.Pos.Line), Col: int32(t.Pos.Col)}}
		}
	}
	return syntax.Word{Text: t.Name}
}

// nearestScript suggests a script whose name differs in capitals, dashes and
// underscores only, or by a letter or two.
func (l *loader) nearestScript(word string) string {
	names := make([]string, len(l.scripts))
	for i, s := range l.scripts {
		names[i] = s.name.Text
	}
	if n := schema.Nearest(word, names); n != "" {
		return "did you mean " + n + "?"
	}
	return ""
}

// finishGroups drops members that are no instances, and empty groups.
func (l *loader) finishGroups() {
	have := make(map[string]bool, len(l.cfg.Instances))
	for _, i := range l.cfg.Instances {
		have[i.Name] = true
	}
	owner := map[string]string{}
	kept := l.cfg.Groups[:0]
	for gi, g := range l.cfg.Groups {
		n := l.groups[gi]
		g.Members = l.knownMembers(g, n.members, have, owner)
		switch len(g.Members) {
		case 0:
			l.fault("HF024", n.name, "vrrp_sync_group "+g.Name+" has no member, it is ignored", "group { INSTANCE … }", "")
			continue
		case 1:
			l.fault("HF024", n.name, "vrrp_sync_group "+g.Name+" has one member only", "at least two instances", "")
		}
		if !g.TrackingWeight {
			l.noWeights(g)
		}
		l.startTogether(g)
		for _, m := range g.Members { // the group's word is the last
			i := l.byName[m].inst
			i.NotifyPriority = pick(n.tellPriority, i.NotifyPriority)
		}
		kept = append(kept, g)
	}
	l.cfg.Groups = kept
}

func (l *loader) knownMembers(g *SyncGroup, words []syntax.Word, have map[string]bool, owner map[string]string) []string {
	var members []string
	for _, w := range words {
		switch {
		case !have[w.Text]:
			l.fault("HF024", w, "vrrp_sync_group "+g.Name+": there is no vrrp_instance "+w.Text+", it is ignored", "the name of a vrrp_instance", "")
		case owner[w.Text] != "":
			l.fault("HF024", w, "vrrp_instance "+w.Text+" is in vrrp_sync_group "+owner[w.Text]+" already, it is ignored here", "", "")
		default:
			owner[w.Text] = g.Name
			members = append(members, w.Text)
		}
	}
	return members
}
