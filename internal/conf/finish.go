package conf

import (
	"time"

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
	l.judgeSyncDaemon()
	l.finishServers()
	if l.sys != nil {
		l.finishInterfaces()
	}
}

func (l *loader) finishGlobal() {
	g := &l.cfg.Global
	l.finishGARP(&g.GARP)
	if g.RouterID == "" && l.sys != nil {
		g.RouterID = l.sys.HostName()
	}
}

// finishGARP: vrrp_min_garp changes what is not said, wherever it stands.
func (l *loader) finishGARP(g *GARP) {
	delay, repeat, refresh := usualGARPDelay, usualGARPRepeat, 1
	if l.minGARP {
		delay, repeat, refresh = 0, 1, 0
	}
	g.MasterDelay = or(g.MasterDelay, delay)
	orInt(&g.MasterRepeat, repeat)
	orInt(&g.RefreshRepeat, refresh)
	g.LowerPrioDelay = or(g.LowerPrioDelay, g.MasterDelay)
	orInt(&g.LowerPrioRepeat, g.MasterRepeat)
	g.Extra = max(g.Extra, 0)
}

// What is sent on becoming master if nothing is said.
const (
	usualGARPDelay  = 5 * time.Second
	usualGARPRepeat = 5
)

// fatal reports what makes keepalived's VRRP process give up.
func (l *loader) fatal(id string, w syntax.Word, message, expected string) {
	l.walk.Fault(id, diag.Fatal, w, message, expected, "")
}
