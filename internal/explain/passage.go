package explain

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/api"
)

// Passage says how one virtual router, service or BFD session stands, and why.
type Passage struct {
	Name  string
	Lines []string // a sentence each
}

// Why says how all that a subject has to do with stands.
func (sub *Subject) Why(s *api.Status, now time.Time) (all []Passage) {
	for i := range s.Instances {
		if v := &s.Instances[i]; slices.Contains(sub.Instances, v.Name) {
			all = append(all, Passage{v.Name, Why(v, now)})
		}
	}
	for i := range s.Services {
		if v := &s.Services[i]; slices.Contains(sub.Services, v.Name) {
			all = append(all, Passage{v.Name, WhyService(v, sub.means, now)})
		}
	}
	for i := range s.BFD {
		if b := &s.BFD[i]; slices.Contains(sub.Sessions, b.Name) {
			all = append(all, Passage{b.Name, WhySession(b, s, now)})
		}
	}
	for i := range s.Shared {
		if p := &s.Shared[i]; sub.uses(p) {
			all = append(all, Passage{p.Kind + " of " + p.Target, []string{fmt.Sprintf("One %s of %s serves %s.", p.Kind, p.Target, Users(p))}})
		}
	}
	return all
}

// uses reports whether one of a subject's servers goes by a probe.
func (sub *Subject) uses(p *api.SharedProbe) bool {
	return slices.ContainsFunc(p.Users, func(u api.ProbeUser) bool {
		return slices.Contains(sub.Services, u.Service) && sub.means(u.Server)
	})
}

// Trim leaves in a status what a subject has to do with.
func (sub *Subject) Trim(s *api.Status) {
	s.Instances = slices.DeleteFunc(s.Instances, func(v api.Instance) bool { return !slices.Contains(sub.Instances, v.Name) })
	s.Groups = slices.DeleteFunc(s.Groups, func(g api.Group) bool {
		return !slices.ContainsFunc(g.Members, func(m string) bool { return slices.Contains(sub.Instances, m) })
	})
	s.Services = slices.DeleteFunc(s.Services, func(v api.Service) bool { return !slices.Contains(sub.Services, v.Name) })
	s.Shared = slices.DeleteFunc(s.Shared, func(p api.SharedProbe) bool { return !sub.uses(&p) })
	s.BFD = slices.DeleteFunc(s.BFD, func(b api.BFDSession) bool { return !slices.Contains(sub.Sessions, b.Name) })
}
