package dump

import (
	"slices"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

func (p *printer) group(g *conf.SyncGroup, s *Group) {
	if s == nil {
		p.line(" VRRP Sync Group = %s", g.Name)
	} else {
		p.line(" VRRP Sync Group = %s, %s", g.Name, s.State)
		p.line("   Num member fault %d, num member init %d", s.Faults, s.Init)
	}
	p.list("VRRP member instances", g.Members)
	if g.TrackingWeight {
		p.line("   sync group tracking weight set")
	}
	p.line("   Using smtp notification = %s", yes(g.SMTPAlert.Or(p.conf.Global.Mail.MailVRRP()), "yes", "no"))
	p.tracks(g.TrackIfaces, g.TrackScripts, g.TrackFiles, false, nil)
	p.further(g.TrackProcesses, g.TrackBFDs, false)
	p.notify(&g.Notify)
}

func (p *printer) groupOf(instance string) *conf.SyncGroup {
	for _, g := range p.conf.Groups {
		if slices.Contains(g.Members, instance) {
			return g
		}
	}
	return nil
}
