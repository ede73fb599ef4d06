package lint

import (
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/track"
)

// weights are the tracked things of these lists that change a priority, with
// what a track_script takes from its vrrp_script filled in.
func (s *subject) weights(ifaces, scripts []conf.Track) []weighed {
	var out []weighed
	add := func(t conf.Track) {
		if t.Weight != 0 {
			out = append(out, weighed(t))
		}
	}
	for _, t := range ifaces {
		add(t)
	}
	for _, t := range scripts {
		if def := s.scripts[t.Name]; def != nil && !t.WeightSet {
			t.Weight, t.Reverse = def.Weight, def.Reverse
		}
		add(t)
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

// span is the least and the greatest priority that weights give an instance.
func (s *subject) span(i *conf.VRRPInstance) (low, high int) {
	for _, t := range s.weights(i.TrackIfaces, i.TrackScripts) {
		l, h := t.reach()
		low, high = low+l, high+h
	}
	return clamp(i.Priority, low), clamp(i.Priority, high)
}
