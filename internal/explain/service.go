package explain

import (
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// WhyService says who serves a virtual service, and why its servers are in or
// out; a sentence a line. Of many servers those that are out come first, and
// maxServers are told of, and only those that are meant.
func WhyService(v *api.Service, meant func(server string) bool, now time.Time) []string {
	lines := []string{fmt.Sprintf("%s has %d of %s in; %s.", v.Name, InUse(v), diag.Counted(len(v.Servers), "server"), quorum(v))}
	var told, rest []string
	for i := range v.Servers {
		r := &v.Servers[i]
		switch {
		case !meant(r.Name):
		case r.Up && moved(r):
			told = append(told, fmt.Sprintf("%s is %s for %s: %s%s.", r.Name, strings.ToUpper(r.State), short(now.Sub(r.Since)), or(r.Cause, "its checks are content"), byCommand(r.Override, now)))
		case r.Up:
			rest = append(rest, fmt.Sprintf("%s is in for %s with weight %d: %s.", r.Name, short(now.Sub(r.Since)), r.Weight, or(r.Cause, "nothing speaks against it")))
		default:
			told = append(told, fmt.Sprintf("%s is OUT for %s: %s.", r.Name, short(now.Sub(r.Since)), or(r.Cause, "it was never checked")))
		}
	}
	told = append(told, rest...)
	if more := len(told) - maxServers; more > 0 {
		told = append(told[:maxServers], fmt.Sprintf("And %d more.", more))
	}
	return append(lines, told...)
}

// InUse counts the servers of a service that get new connections: a server that
// is well may be drained, disabled or in a tier that stands by.
func InUse(v *api.Service) (n int) {
	for i := range v.Servers {
		r := &v.Servers[i]
		switch r.State {
		case "": // of a daemon that does not say
			if r.Up {
				n++
			}
		case "in", "starts slowly", "held in", "in by panic":
			n++
		}
	}
	return n
}

// moved reports whether a server that is up is elsewhere than in.
func moved(r *api.Server) bool {
	return r.State != "" && r.State != "in" && r.State != "starts slowly"
}

func byCommand(o *api.Override, now time.Time) string {
	if o == nil {
		return ""
	}
	why := ""
	if o.Why != "" {
		why = " (" + o.Why + ")"
	}
	return fmt.Sprintf("; a command said %s %s ago%s", o.Kind, short(now.Sub(o.Since)), why)
}

// maxServers bounds the sentences about one service.
const maxServers = 20

func quorum(v *api.Service) string {
	switch {
	case v.SorryInUse:
		return fmt.Sprintf("NO QUORUM (%d wanted), so clients get the sorry server %s", v.Quorum, v.Sorry)
	case !v.HasQuorum:
		return fmt.Sprintf("NO QUORUM (%d wanted)", v.Quorum)
	}
	return fmt.Sprintf("it has its quorum, a weight of %d", v.Quorum)
}

// maxUsers bounds the names of those that share a probe.
const maxUsers = 8

// Users names the real servers that go by a probe, by virtual server.
func Users(p *api.SharedProbe) string {
	names, server := make([]string, 0, maxUsers), ""
	for i, u := range p.Users {
		switch {
		case i == maxUsers:
			return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), len(p.Users)-maxUsers)
		case u.Server == server:
			names = append(names, u.Service)
		default:
			names, server = append(names, u.Server+" of VS "+u.Service), u.Server
		}
	}
	return strings.Join(names, ", ")
}
