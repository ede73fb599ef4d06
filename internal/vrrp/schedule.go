package vrrp

import "github.com/holdfast-ha/holdfast/internal/clock"

// schedule is a heap of routers by the time each wants to be woken. A time
// that moves later, as it does with every advert heard, is only noticed when
// the router has come to the top: hearing costs nothing here.
type schedule []*router

// before orders by time, then by index, so that the order is always the same.
func (s schedule) before(i, j int) bool {
	if s[i].planned != s[j].planned {
		return s[i].planned < s[j].planned
	}
	return s[i].index < s[j].index
}

// fill begins anew with these routers.
func (s *schedule) fill(rs []*router) {
	*s = append((*s)[:0], rs...)
	for i, r := range *s {
		r.planned, r.place = r.wake(), i
	}
	for i := len(*s)/2 - 1; i >= 0; i-- {
		s.down(i)
	}
}

// sooner tells that a router may want to be woken before what is planned. The
// schedule is empty while a configuration is taken over, and filled then.
func (s schedule) sooner(r *router) {
	if at := r.wake(); len(s) > 0 && at < r.planned {
		r.planned = at
		s.up(r.place)
	}
}

// first is the router to be woken first, its time true.
func (s schedule) first() (*router, clock.Instant) {
	for len(s) > 0 {
		r := s[0]
		at := r.wake()
		if at == r.planned {
			return r, at
		}
		r.planned = at
		s.down(0)
	}
	return nil, never
}

func (s schedule) swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].place, s[j].place = i, j
}

func (s schedule) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !s.before(i, parent) {
			return
		}
		s.swap(i, parent)
		i = parent
	}
}

func (s schedule) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(s); child++ {
			if s.before(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		s.swap(i, least)
		i = least
	}
}
