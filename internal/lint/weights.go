package lint

import (
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/track"
)

// weights are what changes the priority of an instance: what it tracks with a
// weight and, in a sync group, what the group tracks. A group has one fate, so
// its members' own weights count only with sync_group_tracking_weight.
func (s *subject) weights(i *conf.VRRPInstance) []weighed {
	own := func() []weighed {
		return s.weighed(i.TrackIfaces, i.TrackScripts, i.TrackFiles, i.TrackProcesses, i.TrackBFDs)
	}
	g := s.groupOf[i.Name]
	if g == nil {
		return own()
	}
	all := s.weighed(g.TrackIfaces, g.TrackScripts, g.TrackFiles, g.TrackProcesses, g.TrackBFDs)
	if g.TrackingWeight {
		all = append(own(), all...)
	}
	return all
}

// weighed are the entries of lists that have a weight, with what they take
// from the tracked thing's own block filled in.
func (s *subject) weighed(ifaces, scripts, files, processes, bfds []conf.Track) []weighed {
	var out []weighed
	add := func(tracks []conf.Track, block func(name string) (weight int, reverse bool)) {
		for _, t := range tracks {
			if !t.WeightSet && block != nil {
				t.Weight, t.Reverse = block(t.Name)
			}
			if t.Weight != 0 {
				out = append(out, weigh(t))
			}
		}
	}
	add(ifaces, nil)
	add(scripts, func(name string) (int, bool) {
		if def := s.scripts[name]; def != nil {
			return def.Weight, def.Reverse
		}
		return 0, false
	})
	from := len(out)
	add(files, func(name string) (int, bool) {
		if def := s.TrackFile(name); def != nil {
			return def.Weight, def.Reverse
		}
		return 0, false
	})
	for i := from; i < len(out); i++ { // the number in the file may be anything
		out[i].low, out[i].high, out[i].up = -maxSum, maxSum, 0
	}
	add(processes, func(name string) (int, bool) { return ownWeight(s.TrackProcesses, name, processWeight) })
	add(bfds, func(name string) (int, bool) { return ownWeight(s.BFDs, name, bfdWeight) })
	return out
}

// ownWeight is what a tracked thing's own block says of its weight.
func ownWeight[T any](all []*T, name string, of func(*T) (string, int, bool)) (weight int, reverse bool) {
	for _, one := range all {
		if n, w, r := of(one); n == name {
			return w, r
		}
	}
	return 0, false
}

func processWeight(p *conf.TrackProcess) (string, int, bool) { return p.Name, p.Weight, p.Reverse }
func bfdWeight(b *conf.BFD) (string, int, bool)              { return b.Name, b.Weight, b.Reverse }

// maxSum bounds what weights add up to.
const maxSum = 253

// weighed is a tracked thing with a weight: the least and the most that it
// adds to a priority, and what it adds as long as nothing has failed.
type weighed struct {
	Name          string
	Pos           conf.Pos
	low, high, up int
}

func weigh(t conf.Track) weighed {
	up, _ := track.Weigh(true, t.Weight, t.Reverse)
	down, _ := track.Weigh(false, t.Weight, t.Reverse)
	return weighed{t.Name, t.Pos, min(up, down), max(up, down), up}
}

// clamp is a priority with a sum of weights: from 1 to 254, and 255 stays.
func clamp(priority, add int) int {
	if priority == 255 {
		return priority
	}
	return min(max(priority+add, 1), 254)
}

// sum is the least and the most that weights add up to.
func sum(all []weighed) (low, high int) {
	for _, t := range all {
		low, high = low+t.low, high+t.high
	}
	return low, high
}
