package conf

import (
	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// finish settles, when all of the text has been read, what depends on more
// than one block: inheritance from global_defs, references by name, and what
// keepalived would leave out of such a configuration.
func (l *loader) finish() {
	l.finishGlobal()
	l.finishScripts()
	kept := l.cfg.Instances[:0]
	for _, n := range l.instances {
		if l.finishInstance(n) {
			kept = append(kept, n.inst)
		}
	}
	l.cfg.Instances = kept
	l.uniqueVRIDs()
	l.finishTracks()
	l.finishGroups()
	l.finishServers()
	if l.sys != nil {
		l.finishInterfaces()
	}
}

func (l *loader) finishGlobal() {
	g := &l.cfg.Global
	if g.GARP.LowerPrioDelay == unset {
		g.GARP.LowerPrioDelay = g.GARP.MasterDelay
	}
	if g.GARP.LowerPrioRepeat == unset {
		g.GARP.LowerPrioRepeat = g.GARP.MasterRepeat
	}
	if g.RouterID == "" && l.sys != nil {
		g.RouterID = l.sys.HostName()
	}
}

// fatal reports what makes keepalived's VRRP process give up.
func (l *loader) fatal(id string, w syntax.Word, message, expected string) {
	l.walk.Fault(id, diag.Fatal, w, message, expected, "")
}
