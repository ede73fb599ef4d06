package explain

import (
	"fmt"
	"time"

	"github.com/holdfast-ha/holdfast/api"
)

// knows is what nobody but a child can tell.
var knows = map[string]string{
	"vrrp":    "whether its virtual routers are master",
	"checker": "which real servers are in",
	"bfd":     "how its BFD sessions stand",
	"proxy":   "what traffic the proxy carries",
	"outlet":  "whether D-Bus and SNMP are served",
}

// Silent says which of the daemon's processes gave no answer, and what is
// missing from a status therefore: an operator must not take what is not shown
// for what is not there. A sentence each.
func Silent(s *api.Status, now time.Time) (lines []string) {
	for i := range s.Children {
		c := &s.Children[i]
		if !silent(*c) {
			continue
		}
		who := "The " + c.Name + " process"
		if c.PID != 0 {
			who += fmt.Sprintf(" (pid %d)", c.PID)
		}
		state := c.State
		if state == "starting" {
			state = "is " + state
			if !c.Started.IsZero() {
				state += " for " + short(now.Sub(c.Started))
			}
		}
		if c.LastEnd != "" {
			state += " (its predecessor " + c.LastEnd + ")"
		}
		lines = append(lines, fmt.Sprintf("%s %s: %s is not known.", who, state, or(knows[c.Name], "what it does")))
	}
	return lines
}

func silent(c api.Child) bool { return c.State != "serving" }

// unknown makes a subject of what nobody has who answers, and who does not may
// have: by its name only. It reports whether anybody does not.
func (sub *Subject) unknown(s *api.Status) bool {
	sub.children = map[string]bool{"": true}
	for i := range s.Children {
		if silent(s.Children[i]) {
			sub.children[s.Children[i].Name] = true
		}
	}
	return len(sub.children) > 1
}
