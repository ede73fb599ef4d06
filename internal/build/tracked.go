package build

import (
	"slices"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/track"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// BFDTrack names a bfd_instance.
func BFDTrack(name string) string { return "bfd " + name }

// ProcessTrack names a vrrp_track_process.
func ProcessTrack(name string) string { return "process " + name }

// bfds are references to BFD sessions.
func (b *builder) bfds(tracks []conf.Track) []vrrp.TrackRef {
	var refs []vrrp.TrackRef
	for _, t := range tracks {
		s := b.conf.BFD(t.Name)
		if s == nil {
			continue // conf has said so
		}
		if !slices.Contains(b.out.BFDs, s.Name) {
			b.out.BFDs = append(b.out.BFDs, s.Name)
		}
		refs = append(refs, refer(BFDTrack(t.Name), t, s.Weight, s.Reverse))
	}
	return refs
}

// processes are references to tracked processes.
func (b *builder) processes(tracks []conf.Track) []vrrp.TrackRef {
	var refs []vrrp.TrackRef
	for _, t := range tracks {
		p := b.conf.TrackProcess(t.Name)
		if p == nil {
			continue // conf has said so
		}
		if !slices.ContainsFunc(b.out.Processes, func(o Process) bool { return o.Name == p.Name }) {
			b.out.Processes = append(b.out.Processes, process(p))
		}
		refs = append(refs, refer(ProcessTrack(t.Name), t, p.Weight, p.Reverse))
	}
	return refs
}

// Process is one vrrp_track_process.
type Process struct {
	Name    string
	Pattern track.Pattern
	Quorum  track.Quorum
}

func process(p *conf.TrackProcess) Process {
	return Process{
		Name: p.Name,
		Pattern: track.Pattern{
			Program: p.Program, Params: p.Params, Line: p.FullCommand,
			Match: map[string]track.Match{
				conf.MatchExact: track.MatchExact, conf.MatchPartial: track.MatchPartial, conf.MatchInitial: track.MatchInitial,
			}[p.Match],
		},
		Quorum: track.Quorum{
			Min: p.Quorum, Max: p.QuorumMax, ForkDelay: p.ForkDelay, TerminateDelay: p.TerminateDelay,
		},
	}
}
