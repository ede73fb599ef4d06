package build

import (
	"slices"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// files are references to track files, whose numbers count.
func (b *builder) files(tracks []conf.Track) []vrrp.TrackRef {
	var refs []vrrp.TrackRef
	for _, t := range tracks {
		f := b.conf.TrackFile(t.Name)
		if f == nil {
			continue // conf has said so
		}
		b.file(f)
		ref := refer(FileTrack(t.Name), t, f.Weight, f.Reverse)
		ref.Scaled = true
		refs = append(refs, ref)
	}
	return refs
}

func (b *builder) file(f *conf.TrackFile) {
	if !slices.ContainsFunc(b.out.Files, func(o conf.TrackFile) bool { return o.Name == f.Name }) {
		b.out.Files = append(b.out.Files, *f)
	}
}
