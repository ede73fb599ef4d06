package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/api"
)

// trackBFD is the kind of tracked object that is a BFD session, and the child
// that has them.
const trackBFD = "bfd"

// session adds a BFD session.
func (sub *Subject) session(s *api.Status, name string) {
	has := func(b api.BFDSession) bool { return b.Name == name }
	if !slices.ContainsFunc(s.BFD, has) || slices.Contains(sub.Sessions, name) {
		return
	}
	sub.Sessions = append(sub.Sessions, name)
	sub.children[trackBFD], sub.objects[name] = true, true
}

// follows adds a real server's records, and the sessions that its checks follow.
func (sub *Subject) follows(s *api.Status, r *api.Server) {
	sub.objects[r.Name] = true
	for _, c := range r.Checks {
		sub.session(s, c.Follows)
	}
}

// tracked adds what is tracked under a name, with or without its kind, and who
// tracks it; and a BFD session that nobody tracks.
func (sub *Subject) tracked(s *api.Status, name string) {
	sub.children = map[string]bool{"": true}
	sub.session(s, strings.TrimPrefix(name, trackBFD+" "))
	for i := range s.Instances {
		v := &s.Instances[i]
		for track := range v.Tracks {
			kind, object, _ := strings.Cut(track, " ")
			if object != name && track != name {
				continue
			}
			sub.objects[object], sub.objects[v.Name] = true, true
			sub.children["vrrp"] = true
			sub.Instances = append(sub.Instances, v.Name)
			if kind == trackBFD {
				sub.session(s, object)
			}
		}
	}
}

// WhySession says how a BFD session stands, why, and who follows it; a sentence
// a line.
func WhySession(b *api.BFDSession, s *api.Status, now time.Time) []string {
	cause := b.Cause
	switch {
	case cause != "":
	case b.State == "Up":
		cause = b.Neighbour + " answers"
	default:
		cause = "it has not come up yet"
	}
	lines := []string{fmt.Sprintf("BFD session %s to %s is %s for %s: %s.", b.Name, b.Neighbour, b.State, short(now.Sub(b.Since)), cause)}
	switch {
	case b.RemoteDiscriminator == 0 && b.Passive:
		lines = append(lines, fmt.Sprintf("It is passive: it sends nothing until %s does, which is not heard.", b.Neighbour))
	case b.RemoteDiscriminator == 0:
		lines = append(lines, fmt.Sprintf("It sends every %s; %s is not heard.", short(duration(b.TxMS)), b.Neighbour))
	default:
		lines = append(lines, fmt.Sprintf("It sends every %s; %s says that it is %s (%s), and if it were silent for %s the session would go down.",
			short(duration(b.TxMS)), b.Neighbour, b.RemoteState, b.RemoteDiag, short(duration(b.DetectMS))))
	}
	if by := followers(b.Name, s); len(by) > 0 {
		return append(lines, "It is followed by "+strings.Join(by, ", ")+".")
	}
	return append(lines, "Nobody follows it.")
}

// followers are who tracks a session, and the servers whose check it is.
func followers(name string, s *api.Status) (by []string) {
	for i := range s.Instances {
		if state, ok := s.Instances[i].Tracks[trackBFD+" "+name]; ok {
			by = append(by, fmt.Sprintf("%s (%s)", s.Instances[i].Name, state))
		}
	}
	for i := range s.Services {
		for _, r := range s.Services[i].Servers {
			if slices.ContainsFunc(r.Checks, func(c api.Check) bool { return c.Follows == name }) {
				by = append(by, r.Name)
			}
		}
	}
	return by
}
