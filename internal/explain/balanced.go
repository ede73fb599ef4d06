package explain

import (
	"slices"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// balanced adds the virtual services that a name fits, or else the real servers
// that it fits: a server may be in several services, and an address have several
// ports.
func (sub *Subject) balanced(s *api.Status, given string) {
	services := make([]string, len(s.Services))
	for i := range s.Services {
		services[i] = s.Services[i].Name
	}
	if at := lvs.Find(services, given); len(at) > 0 {
		for _, i := range at {
			sub.service(s, &s.Services[i])
		}
		return
	}
	for i := range s.Services {
		v := &s.Services[i]
		names := make([]string, len(v.Servers))
		for j := range v.Servers {
			names[j] = v.Servers[j].Name
		}
		for _, j := range lvs.Find(names, given) {
			sub.server(s, v, &v.Servers[j])
		}
	}
}

// service adds a virtual service with all its servers.
func (sub *Subject) service(s *api.Status, v *api.Service) {
	sub.offers(v, v.Name)
	sub.objects[v.Name] = true
	for i := range v.Servers {
		sub.follows(s, &v.Servers[i])
	}
}

// server adds one real server of a virtual service.
func (sub *Subject) server(s *api.Status, v *api.Service, r *api.Server) {
	sub.offers(v, r.Name)
	if !slices.Contains(sub.Servers, r.Name) {
		sub.Servers = append(sub.Servers, r.Name)
	}
	sub.follows(s, r)
}

// offers adds a service, of which records speak by a name.
func (sub *Subject) offers(v *api.Service, word string) {
	sub.children = map[string]bool{"": true, "checker": true, "proxy": true}
	if !slices.Contains(sub.words, word) {
		sub.words = append(sub.words, word)
	}
	if !slices.Contains(sub.Services, v.Name) {
		sub.Services = append(sub.Services, v.Name)
	}
}

// means reports whether a real server is one that a subject is about.
func (sub *Subject) means(server string) bool {
	return len(sub.Servers) == 0 || slices.Contains(sub.Servers, server)
}
