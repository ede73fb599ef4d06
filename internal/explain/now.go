// Package explain tells a person what happened and why: records of the flight
// recorder become a timeline, and the state of a virtual router becomes
// sentences about why it is master or not and what would happen next.
//
// It is pure. Records come from package parent by way of the control socket,
// the state from vrrpd; the command line prints what is made of them here.
package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/api"
)

// Readiness says what would happen if the master failed now. It is a clause
// that reads on its own, also in a table.
func Readiness(v *api.Instance) string {
	switch v.State {
	case "MASTER":
		if v.ListensMS > 0 {
			return fmt.Sprintf("was asleep and listens; goes on in %s unless another one has taken over", short(duration(v.ListensMS)))
		}
		return ifMasterFails(v)
	case "BACKUP":
		return ifHeardFails(v)
	case "FAULT":
		return "would not take over: " + or(v.Cause, "it is in FAULT")
	default:
		return "would not take over: it has not begun to take part"
	}
}

// ifMasterFails: RFC 3768 §6.1 has a skew of up to a second, RFC 9568 one of
// up to an interval.
func ifMasterFails(v *api.Instance) string {
	advert := duration(v.AdvertMS)
	skew := advert
	if v.VRRPVersion == 2 {
		skew = time.Second
	}
	return fmt.Sprintf("if it died now, a backup would take over after %s–%s of silence; stopped in an orderly way, within %s",
		short(3*advert), short(3*advert+skew), short(skew))
}

func ifHeardFails(v *api.Instance) string {
	left := ""
	if v.TakeoverMS != nil {
		left = short(duration(*v.TakeoverMS))
	}
	switch {
	case v.Waiting:
		return "would take over, but other members of its sync group are not ready to"
	case v.Master == "" && left != "":
		return fmt.Sprintf("hears nobody; takes over in %s", left)
	case v.Master == "":
		return "hears nobody"
	}
	hears := fmt.Sprintf("hears %s (priority %d), last %s ago", v.Master, v.MasterPrio, short(duration(v.HeardMS)))
	if v.Preempt && v.MasterPrio < v.Priority && left != "" {
		return fmt.Sprintf("%s, of lower priority than ours; takes over in %s unless its priority rises", hears, left)
	}
	return fmt.Sprintf("%s; would take over after %s of silence", hears, short(duration(v.DownMS)))
}

// Why says why a router is in its state, since when, and what would happen
// next; a sentence a line.
func Why(v *api.Instance, now time.Time) []string {
	since := "for " + short(now.Sub(v.Since))
	if v.Since.IsZero() {
		since = "from the beginning"
	}
	lines := []string{fmt.Sprintf("%s is %s %s: %s.", v.Name, v.State, since, or(v.Cause, "nothing has happened yet"))}
	if v.Split != nil {
		lines = append(lines, fmt.Sprintf("TWO MASTERS: %s advertises with priority %d too, for %s; ours is %d. They do not hear us, or do not believe us.",
			v.Split.With, v.Split.Priority, short(now.Sub(v.Split.Since)), v.Priority))
	}
	lines = append(lines, whyUnheard(v)...)
	if v.State == "BACKUP" && v.Master != "" {
		lines = append(lines, whyNotMaster(v))
	}
	if v.Configured != nil {
		lines = append(lines, Overridden(v))
	}
	if v.Priority != v.BasePriority {
		lines = append(lines, fmt.Sprintf("Its priority is %d, of %d%s: what it tracks makes the difference%s.",
			v.Priority, v.BasePriority, yes(v.Configured == nil, " as configured", ""), tracked(v)))
	} else if t := tracked(v); t != "" {
		lines = append(lines, "Of what it tracks is not as it should be"+strings.Replace(t, ", ", ": ", 1)+".")
	}
	if v.State == "FAULT" {
		return append(lines, "It would not take over.") // the first line has the cause
	}
	next := Readiness(v)
	if rest, ok := strings.CutPrefix(next, "if "); ok {
		return append(lines, "If "+rest+".")
	}
	return append(lines, "It "+next+".")
}

// Overridden says what was set over SNMP; a sentence.
func Overridden(v *api.Instance) string {
	var what []string
	if c := v.Configured; c.Priority != v.BasePriority {
		what = append(what, fmt.Sprintf("priority %d in place of %d", v.BasePriority, c.Priority))
	}
	if v.Configured.Preempt != v.Preempt {
		what = append(what, yes(v.Preempt, "preemption", "no preemption"))
	}
	return "Over SNMP it was given " + strings.Join(what, " and ") + "; the next reload takes that back."
}

func yes(so bool, a, b string) string {
	if so {
		return a
	}
	return b
}

// whyUnheard says whose adverts are refused, and what a master cannot know: it
// hears nobody if it is alone, and also if another one is cut off.
func whyUnheard(v *api.Instance) (lines []string) {
	r := v.Refused
	switch {
	case r != nil:
		lines = append(lines, "It "+Disbelief(r)+".")
		if v.State == "MASTER" && v.Split == nil {
			lines = append(lines, fmt.Sprintf("If %s is its partner, both are master until the two agree.", r.From))
		}
	case v.State == "MASTER" && v.Split == nil && strings.HasPrefix(v.Cause, "heard nobody"):
		lines = append(lines, "No other master is heard; if there is one, its adverts do not get here: look for a packet filter that drops protocol 112 (vrrp), and whether both are on one network.")
	}
	return lines
}

// Disbelief says whose adverts are refused, and why; a clause.
func Disbelief(r *api.Refused) string {
	return fmt.Sprintf("does not believe the adverts of %s: %s (%d refused so far, the last %s ago)", r.From, r.Why, r.Times, short(duration(r.AgoMS)))
}

// whyNotMaster compares with whom is heard.
func whyNotMaster(v *api.Instance) string {
	who := fmt.Sprintf("It is not master since %s is, with priority %d", v.Master, v.MasterPrio)
	switch {
	case v.MasterPrio > v.Priority:
		return fmt.Sprintf("%s, which is higher than ours, %d.", who, v.Priority)
	case v.MasterPrio == v.Priority:
		return who + ", the same as ours; who is master stays."
	case !v.Preempt:
		return fmt.Sprintf("%s; ours is higher, %d, but nopreempt leaves a master in office.", who, v.Priority)
	}
	return fmt.Sprintf("%s; ours is higher, %d.", who, v.Priority)
}

// tracked lists what is not as it should be: down, or up and tracked in reverse.
// What the cause of a FAULT names has been said.
func tracked(v *api.Instance) string {
	var names []string
	for name, state := range v.Tracks {
		reverse := slices.Contains(v.ReverseTracks, name)
		good := state == "up"
		if reverse {
			good = strings.HasPrefix(state, "down")
			state += ", tracked in reverse"
		}
		if !good && (v.State != "FAULT" || !about(v.Cause, name)) {
			names = append(names, name+" ("+state+")")
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return ", " + strings.Join(names, ", ")
}

// about reports whether a cause is about something tracked.
func about(cause, track string) bool {
	if session, ok := strings.CutPrefix(track, trackBFD+" "); ok {
		track = "BFD session " + session
	}
	return strings.HasPrefix(cause, track+" ")
}

func duration(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// short rounds a time to what a person wants of it.
func short(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 100*time.Millisecond:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < 48*time.Hour:
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
