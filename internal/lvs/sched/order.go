package sched

// heaviest takes the available server of the greatest weight, of equals the
// first (fo). With overflow, one that has more connections than weight is
// passed over, and nobody is left when all have (ovf).
type heaviest struct{ overflow bool }

func (h heaviest) Pick(set *Set, _ Request) *Server {
	var best *Server
	for _, s := range set.Servers {
		if !s.Available() || h.overflow && s.Active > s.Weight {
			continue
		}
		if best == nil || s.Weight > best.Weight {
			best = s
		}
	}
	return best
}
