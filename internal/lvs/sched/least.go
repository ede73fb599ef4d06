package sched

// least takes the server with the fewest connections for its share: lc and
// wlc, and with one added (the connection to come) sed. Among equals the
// turns are spread by weight, or a quiet service would only ever use the first;
// in the kernel connections that ended a while ago do that.
type least struct {
	share func(*Server) int
	add   int
}

func one(*Server) int      { return 1 }
func weight(s *Server) int { return s.Weight }

func (l least) Pick(set *Set, _ Request) *Server {
	var best *Server
	alone := true
	for _, s := range set.Servers {
		if !s.Available() {
			continue
		}
		if best == nil {
			best = s
			continue
		}
		switch l.compare(s, best) {
		case -1:
			best, alone = s, true
		case 0:
			alone = false
		}
	}
	if best == nil || alone {
		return best
	}
	return turn(set.Servers, func(s *Server) bool { return s.Available() && l.compare(s, best) == 0 })
}

// compare says who has less to do, without dividing.
func (l least) compare(a, b *Server) int {
	x, y := (a.Active+l.add)*l.share(b), (b.Active+l.add)*l.share(a)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// neverQueue takes a server that has nothing to do, otherwise as sed (nq).
type neverQueue struct{}

func (neverQueue) Pick(set *Set, r Request) *Server {
	idle := func(s *Server) bool { return s.Available() && s.Active == 0 }
	if s := turn(set.Servers, idle); s != nil {
		return s
	}
	return least{share: weight, add: 1}.Pick(set, r)
}
