package lint

import (
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/track"
)

// weights are what changes the priority of an instance: what it tracks with a
// weight and, in a sync group, what the group tracks. A group has one fate, so
// its members' own weights count only with sync_group_tracking_weight.
func (s *subject) weights(i *conf.VRRPInstance) []weighed {
	g := s.groupOf[i.Name]
	if g == nil {
		return s.weighed(i.TrackIfaces, i.TrackScripts)
	}
	var own []weighed
	if g.TrackingWeight {
		own = s.weighed(i.TrackIfaces, i.TrackScripts)
	}
	return append(own, s.weighed(g.TrackIfaces, g.TrackScripts)...)
}

// weighed are the entries of two lists that have a weight, with what a
// track_script takes from its vrrp_script filled in.
func (s *subject) weighed(ifaces, scripts []conf.Track) []weighed {
	var out []weighed
	for _, t := range ifaces {
		if t.Weight != 0 {
			out = append(out, weighed(t))
		}
	}
	for _, t := range scripts {
		if def := s.scripts[t.Name]; def != nil && !t.WeightSet {
			t.Weight, t.Reverse = def.Weight, def.Reverse
		}
		if t.Weight != 0 {
			out = append(out, weighed(t))
		}
	}
	return out
}

// weighed is a tracked thing with a weight.
type weighed conf.Track

// reach is the least and the most that it adds to a priority.
func (w weighed) reach() (low, high int) {
	up, _ := track.Weigh(true, w.Weight, w.Reverse)
	down, _ := track.Weigh(false, w.Weight, w.Reverse)
	return min(up, down), max(up, down)
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
		l, h := t.reach()
		low, high = low+l, high+h
	}
	return low, high
}
