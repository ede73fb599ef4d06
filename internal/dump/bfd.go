package dump

import (
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/conf"
)

// BFD is keepalived_bfd.data. Without a state (nil) it says of the configuration
// what there is to say.
func BFD(c *conf.Config, s []api.BFDSession, o *Options) []byte {
	p := &printer{conf: c, opts: o}
	p.global()
	if len(c.BFDs) > 0 {
		p.line("------< BFD Topology >------")
	}
	for _, b := range c.BFDs {
		p.bfd(b)
		if is := find(s, b.Name, func(s *api.BFDSession) string { return s.Name }); is != nil {
			p.session(is)
		}
	}
	return []byte(p.String())
}

func (p *printer) bfd(b *conf.BFD) {
	p.line(" BFD Instance = %s", b.Name)
	p.line("   Neighbor IP = %s", b.Neighbour)
	if b.Source.IsValid() {
		p.line("   Source IP = %s", b.Source)
	}
	p.line("   Required min RX interval = %d us", b.MinRx.Microseconds())
	p.line("   Desired min TX interval = %d us", b.MinTx.Microseconds())
	p.line("   Desired idle TX interval = %d us", b.IdleTx.Microseconds())
	p.line("   Detection multiplier = %d", b.Multiplier)
	p.line("   %s = %d", yes(b.Neighbour.Is6(), "hoplimit", "TTL"), b.TTL)
	p.line("   max_hops = %d", b.MaxHops)
	p.line("   passive = %t", b.Passive)
}

// session is a bfd_instance as it is. What is agreed on with the neighbour is
// known while it is heard.
func (p *printer) session(s *api.BFDSession) {
	p.line("   send error = %t", s.Counters["send_errors"] > 0)
	p.line("   local state = %s", s.State)
	p.line("   remote state = %s", s.RemoteState)
	p.line("   local discriminator = 0x%x", s.Discriminator)
	p.line("   remote discriminator = 0x%x", s.RemoteDiscriminator)
	p.line("   local diag = %s", titled(s.Diag))
	p.line("   remote diag = %s", titled(s.RemoteDiag))
	p.line("   remote detect multiplier = %d", s.RemoteMultiplier)
	p.line("   local tx intv = %d us", micro(s.TxMS))
	if s.RemoteDiscriminator != 0 {
		p.line("   remote tx intv = %d us", micro(s.RxMS))
		p.line("   local detection time = %d us", micro(s.DetectMS))
	} else {
		p.line("   remote tx intv = 0 us")
		p.line("   local detection time = 0 us")
	}
}

// titled is a diagnostic as RFC 5880 §4.1 writes it.
func titled(words string) string {
	w := strings.Fields(words)
	for i := range w {
		w[i] = strings.ToUpper(w[i][:1]) + w[i][1:]
	}
	return strings.NewReplacer("Neighbour", "Neighbor", "Signalled", "Signaled").Replace(strings.Join(w, " "))
}

func micro(ms float64) int64 {
	return int64(ms * float64(time.Millisecond) / float64(time.Microsecond))
}

// anyNumber is quorum_max where it is not given.
const anyNumber = 65535

// processes are the vrrp_track_process blocks.
func (p *printer) processes(s *VRRP) {
	if len(p.conf.TrackProcesses) > 0 {
		p.line("------< VRRP Track processes >------")
	}
	for _, t := range p.conf.TrackProcesses {
		p.trackedProcess(t, find(s.Processes, t.Name, func(t *Process) string { return t.Name }))
	}
}

func (p *printer) trackedProcess(t *conf.TrackProcess, s *Process) {
	p.line(" VRRP Track process = %s", t.Name)
	p.line("   Process = %s", t.Program)
	if len(t.Params) > 0 {
		p.line("   Parameters = %s", strings.Join(t.Params, " "))
	}
	if t.Match != "" {
		p.line("   Param match = %s", t.Match)
	}
	p.line("   Min processes = %d", t.Quorum)
	if t.QuorumMax < anyNumber {
		p.line("   Max processes = %d", t.QuorumMax)
	}
	if s != nil {
		p.line("   Current processes = %d", s.Running)
		p.line("   Have quorum = %t", s.Up)
	}
	p.line("   Weight = %d%s", t.Weight, yes(t.Reverse, " reverse", ""))
	p.line("   Terminate delay = %ss", six(t.TerminateDelay))
	p.line("   Fork delay = %ss", six(t.ForkDelay))
	p.line("   Full command = %t", t.FullCommand)
	p.list("Tracking instances", p.trackers(t.Name, func(i *conf.VRRPInstance) []conf.Track { return i.TrackProcesses }, func(g *conf.SyncGroup) []conf.Track { return g.TrackProcesses }, p.processWeight))
}

// bfds are the bfd_instances that somebody may track.
func (p *printer) bfds(s *VRRP) {
	if len(p.conf.BFDs) > 0 {
		p.line("------< VRRP Track BFDs >------")
	}
	for _, b := range p.conf.BFDs {
		p.line(" VRRP Track BFD = %s", b.Name)
		p.line("   Weight = %d%s", b.Weight, yes(b.Reverse, " reverse", ""))
		if is := find(s.BFDs, b.Name, func(b *TrackedBFD) string { return b.Name }); is != nil {
			p.line("   Bfd is %s", yes(is.Up, "up", "down"))
			p.line("   Tracking VRRP instances :")
		}
		p.list("Tracking instances", p.trackers(b.Name, func(i *conf.VRRPInstance) []conf.Track { return i.TrackBFDs }, func(g *conf.SyncGroup) []conf.Track { return g.TrackBFDs }, p.bfdWeight))
	}
}

func (p *printer) processWeight(t conf.Track) (weight int, reverse bool) {
	if is := p.conf.TrackProcess(t.Name); is != nil && !t.WeightSet {
		return is.Weight, is.Reverse
	}
	return t.Weight, t.Reverse
}

func (p *printer) bfdWeight(t conf.Track) (weight int, reverse bool) {
	if is := p.conf.BFD(t.Name); is != nil && !t.WeightSet {
		return is.Weight, is.Reverse
	}
	return t.Weight, t.Reverse
}

// further lists the processes and BFD sessions that an instance or a group tracks.
func (p *printer) further(processes, bfds []conf.Track, weightless bool) {
	var list []string
	for _, t := range processes {
		w, r := p.processWeight(t)
		list = append(list, weighed(t.Name, ", ", w, r, weightless))
	}
	p.list("Tracked processes", list)
	list = nil
	for _, t := range bfds {
		w, r := p.bfdWeight(t)
		list = append(list, weighed(t.Name, ": ", w, r, weightless))
	}
	p.list("Tracked BFDs", list)
}
