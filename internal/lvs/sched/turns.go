package sched

// roundRobin goes from one to the next, whatever the weights (rr).
type roundRobin struct{ next int }

func (r *roundRobin) Pick(set *Set, _ Request) *Server {
	n := len(set.Servers)
	for range n {
		if r.next >= n {
			r.next = 0
		}
		s := set.Servers[r.next]
		r.next++
		if s.Available() {
			return s
		}
	}
	return nil
}

// weightedTurns gives each its share and spreads the turns of a heavy server
// evenly: 5, 1, 1 becomes a a b a c a a (wrr).
type weightedTurns struct{}

func (weightedTurns) Pick(set *Set, _ Request) *Server {
	return turn(set.Servers, (*Server).Available)
}

// turn is one step of the smooth weighted round robin among those that may.
func turn(servers []*Server, may func(*Server) bool) *Server {
	total := 0
	var best *Server
	for _, s := range servers {
		if !may(s) {
			continue
		}
		total += s.Weight
		s.credit += s.Weight
		if best == nil || s.credit > best.credit {
			best = s
		}
	}
	if best != nil {
		best.credit -= total
	}
	return best
}
