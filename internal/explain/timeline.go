package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/api"
)

// Subject is what an explanation is about: everything, or one virtual router,
// sync group, virtual service, real server, BFD session or tracked object.
type Subject struct {
	// Instances are the virtual routers that it has to do with, by name, and
	// Services the virtual services, Sessions those of BFD; Servers are the real
	// servers that are meant, none for all of the services.
	Instances, Services, Sessions, Servers []string
	// children are the processes that it lives in, objects the names that its
	// records are told under; nil is any.
	children, objects map[string]bool
	// words are what other records name it by.
	words []string
}

// About finds a subject by its name; the empty name is everything. Services and
// real servers may be named in short, as far as lvs.Find goes; all that fit are
// meant. While a process gives no answer, what nobody has may be its: of that
// there are records only.
func About(s *api.Status, name string) (Subject, bool) {
	var sub Subject
	if name == "" {
		for i := range s.Instances {
			sub.Instances = append(sub.Instances, s.Instances[i].Name)
		}
		for i := range s.Services {
			sub.Services = append(sub.Services, s.Services[i].Name)
		}
		for i := range s.BFD {
			sub.Sessions = append(sub.Sessions, s.BFD[i].Name)
		}
		return sub, true
	}
	sub.objects = map[string]bool{"": true, name: true}
	for i := range s.Instances {
		if v := &s.Instances[i]; v.Name == name {
			sub.instance(s, v)
			return sub, true
		}
	}
	for _, g := range s.Groups {
		if g.Name != name {
			continue
		}
		for i := range s.Instances {
			if v := &s.Instances[i]; slices.Contains(g.Members, v.Name) {
				sub.instance(s, v)
			}
		}
		return sub, true
	}
	sub.tracked(s, name)
	if len(sub.Instances)+len(sub.Sessions) == 0 {
		sub.balanced(s, name)
	}
	if len(sub.Services)+len(sub.Instances)+len(sub.Sessions) > 0 {
		return sub, true
	}
	return sub, sub.unknown(s)
}

// instance adds a virtual router with its group, its interface and what it tracks.
func (sub *Subject) instance(s *api.Status, v *api.Instance) {
	sub.Instances = append(sub.Instances, v.Name)
	sub.children = map[string]bool{"": true, "vrrp": true}
	sub.objects[v.Name], sub.objects[v.Interface] = true, true
	for track := range v.Tracks {
		kind, name, _ := strings.Cut(track, " ")
		sub.objects[name] = true
		if kind == trackBFD {
			sub.session(s, name)
		}
	}
	for _, g := range s.Groups {
		if slices.Contains(g.Members, v.Name) {
			sub.objects[g.Name] = true
		}
	}
}

// Select returns the records that have to do with a subject.
func (sub *Subject) Select(all []api.Record) []api.Record {
	if sub.objects == nil {
		return all
	}
	var out []api.Record
	for _, r := range all {
		if sub.concerns(&r) {
			out = append(out, r)
		}
	}
	return out
}

func (sub *Subject) concerns(r *api.Record) bool {
	if r.Part == "parent" {
		return sub.children[r.Object]
	}
	home := r.Part
	if home == "check" {
		home = "checker"
	}
	if home == trackBFD && r.Object == "" {
		return false // of no session, or of them all
	}
	if !sub.children[home] {
		return false
	}
	if sub.objects[r.Object] {
		return true
	}
	return slices.ContainsFunc(sub.words, func(w string) bool { return strings.Contains(r.What, w) })
}

// marks stand before what is worse than news.
func marks(level string) string {
	switch level {
	case "warning":
		return "! "
	case "error":
		return "!!"
	}
	return ""
}

// Timeline prints records, one a line: when, how long after the one before, and
// what with its cause; a new day is named.
func Timeline(records []api.Record) []string {
	var lines []string
	day := ""
	for i := range records {
		r := &records[i]
		if d := r.At.Format("Monday, 2 January 2006"); d != day {
			day = d
			lines = append(lines, day)
		}
		after := ""
		if i > 0 {
			after = gap(time.Duration(r.Elapsed - records[i-1].Elapsed))
		}
		lines = append(lines, fmt.Sprintf("%s %9s  %-2s %s", r.At.Format("15:04:05.000"), after, marks(r.Level), r.What))
	}
	return lines
}

// gap is how long nothing happened; less than a millisecond is not worth a word.
func gap(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return ""
	case d < time.Minute:
		return fmt.Sprintf("+%.3fs", d.Seconds())
	}
	return "+" + short(d)
}
