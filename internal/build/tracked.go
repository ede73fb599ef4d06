package build

import (
	"slices"

	"github.com/holdfast-ha/holdfast/internal/conf"
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
		if !slices.ContainsFunc(b.out.Processes, func(o conf.TrackProcess) bool { return o.Name == p.Name }) {
			b.out.Processes = append(b.out.Processes, *p)
		}
		refs = append(refs, refer(ProcessTrack(t.Name), t, p.Weight, p.Reverse))
	}
	return refs
}
