package vrrp

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Started: the node has begun, or the router was added by a reload.
type Started struct{}

func (Started) String() string { return "started" }

// Resumed: the process died while the router was active, and another is there
// so soon that nobody has noticed.
type Resumed struct{ Silent time.Duration }

func (c Resumed) String() string {
	return "goes on: its process died and was replaced, the last advert was sent " + seconds(c.Silent) + " ago"
}

// Owner: the router owns the addresses and need not listen first.
type Owner struct{}

func (Owner) String() string { return "owns the addresses (priority 255)" }

// NoAdvert: nobody was heard for that long.
type NoAdvert struct{ Silent time.Duration }

func (c NoAdvert) String() string { return "heard nobody for " + seconds(c.Silent) }

// Resigned: the master said that it stops.
type Resigned struct{ From netip.Addr }

func (c Resigned) String() string { return c.From.String() + " resigned (priority 0)" }

// Lower: the master that is heard has a lower priority than ours.
type Lower struct {
	From     netip.Addr
	Priority Priority
}

func (c Lower) String() string {
	return fmt.Sprintf("%s has lower priority %d", c.From, c.Priority)
}

// Higher: somebody of higher priority is master.
type Higher struct {
	From     netip.Addr
	Priority Priority
}

func (c Higher) String() string {
	return fmt.Sprintf("%s has higher priority %d", c.From, c.Priority)
}

// Tie: somebody of our priority is master, and of the higher address.
type Tie struct {
	From     netip.Addr
	Priority Priority
}

func (c Tie) String() string {
	return fmt.Sprintf("%s has the same priority %d and the higher address", c.From, c.Priority)
}

// SecondOwner: another router has the priority of the addresses' owner, and the
// higher address.
type SecondOwner struct{ From netip.Addr }

func (c SecondOwner) String() string {
	return fmt.Sprintf("%s owns the addresses, too (priority 255), and has the higher address", c.From)
}

// Overdue: an advert could not be sent in time, so others have taken over.
type Overdue struct{ By time.Duration }

func (c Overdue) String() string {
	return "its advert was " + seconds(c.By) + " late: others may have taken over, and it listens"
}

// TrackFailed: something that is tracked without a weight forbids taking part.
type TrackFailed struct {
	Name, Why string
	Up        bool // it is up, and tracked in reverse
}

func (c TrackFailed) String() string { return trackText(c.Name, c.Up, c.Why) }

// TrackRecovered: what forbade taking part no longer does.
type TrackRecovered struct {
	Name, Why string
	Up        bool // false when tracked in reverse
}

func (c TrackRecovered) String() string { return trackText(c.Name, c.Up, c.Why) }

// trackText tells of a tracked object as its kind is spoken of.
func trackText(name string, up bool, why string) string {
	word := map[bool]string{true: " is up", false: " is down"}[up]
	switch kind, _, _ := strings.Cut(name, " "); kind {
	case "script":
		word = map[bool]string{true: " succeeded", false: " failed"}[up]
	case "bfd":
		name = "BFD session" + strings.TrimPrefix(name, kind)
		word = map[bool]string{true: " is up", false: " went down"}[up]
	case "file": // it is its number that counts
		if why == "" {
			return name + " allows it"
		}
		return name + " " + why
	case "source": // a source address
		word = map[bool]string{true: " is there", false: " is missing"}[up]
	}
	if why == "" {
		return name + word
	}
	return name + word + ": " + why
}

// Member: another member of the sync group changed, for a reason of its own.
type Member struct {
	Group, Member string
	State         State
	Cause         Cause // of that member
}

func (c Member) String() string {
	return fmt.Sprintf("group %s: member %s is in %s", c.Group, c.Member, c.State)
}

// Displaced: the process slept, and another router has taken over meanwhile.
type Displaced struct {
	Slept    time.Duration
	From     netip.Addr
	Priority Priority
}

func (c Displaced) String() string {
	return fmt.Sprintf("slept for %s, and %s of priority %d has taken over", seconds(c.Slept), c.From, c.Priority)
}

// Stopped: operation ends.
type Stopped struct{}

func (Stopped) String() string { return "operation ends" }

// Removed: a reload no longer has the router.
type Removed struct{}

func (Removed) String() string { return "no longer configured" }

// Reloaded: a reload changed what the router needs.
type Reloaded struct{}

func (Reloaded) String() string { return "configuration reloaded" }

// Set: somebody had it otherwise than the configuration says.
type Set struct{ Over string } // SNMP

func (c Set) String() string { return "set over " + c.Over }

// seconds prints a time to the millisecond.
func seconds(d time.Duration) string { return fmt.Sprintf("%.3fs", d.Seconds()) }
