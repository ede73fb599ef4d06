package vrrp

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// tells are the texts of one kind.
func tells(as []Action, kind TellKind) (out []string) {
	for _, a := range as {
		if t, ok := a.(Tell); ok && t.Kind == kind {
			out = append(out, t.Text)
		}
	}
	return out
}

// An episode is told of once, and once more when the other is silent for
// Master_Down_Interval; then the next is another one.
func TestSplitIsToldOncePerEpisode(t *testing.T) {
	n := active(t, config(150))
	begin := down150 + 300*time.Millisecond
	for i := range 5 {
		now := at(begin + time.Duration(i)*time.Second)
		if got := tells(n.Step(now, heard(100)), SplitBegan); len(got) != map[bool]int{true: 1}[i == 0] {
			t.Errorf("advert %d: told %q", i, got)
		}
	}
	v := n.Router(0)
	if v.Rival != them || v.RivalPriority != 100 || v.RivalSince != at(begin) || v.Splits != 1 {
		t.Errorf("view: %s of %d since %v, %d splits", v.Rival, v.RivalPriority, v.RivalSince, v.Splits)
	}
	var ended []string
	last := at(begin + 4*time.Second)
	for now := last; now < last.Add(down150); {
		now, _ = n.Deadline()
		ended = append(ended, tells(n.Step(now, Tick{}), SplitEnded)...)
		if len(ended) > 0 && now != last.Add(down150) {
			t.Errorf("ended %v after the last advert", now.Sub(last))
		}
	}
	if len(ended) != 1 || !strings.Contains(ended[0], "192.0.2.2 is not heard any more; it lasted 4.000s, with 5 adverts heard") {
		t.Errorf("ended: %q", ended)
	}
	if n.Router(0).Rival.IsValid() {
		t.Error("there is still a rival")
	}
	if got := tells(n.Step(last.Add(10*time.Second), heard(100)), SplitBegan); len(got) != 1 || n.Router(0).Splits != 2 {
		t.Errorf("the second episode: %q, %d splits", got, n.Router(0).Splits)
	}
}

func TestSplitEnds(t *testing.T) {
	for name, c := range map[string]struct {
		event Event
		want  string
	}{
		"it resigns":          {heard(0), "resigned"},
		"we yield":            {heard(200), "goes on, and we do not"},
		"we stop":             {Stop{}, "goes on, and we do not"},
		"another one resigns": {Heard{Source: netip.MustParseAddr("192.0.2.3"), Local: us}, ""},
	} {
		n := active(t, config(150))
		n.Step(at(5*time.Second), heard(100))
		got := strings.Join(tells(n.Step(at(6*time.Second), c.event), SplitEnded), "|")
		if !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: %q, want %q in it", name, got, c.want)
		}
	}
}

// Who preempts may hear an advert that crossed its own; only one that comes
// later is of somebody who does not yield.
func TestPreemptingIsNoSplit(t *testing.T) {
	n := one(config(150))
	n.Step(0, Start{})
	n.Step(at(2*time.Second), heard(100))
	n.Step(at(3*time.Second), heard(100))
	took, _ := n.Deadline()
	n.Step(took, Tick{})
	if n.Router(0).State != Active {
		t.Fatal("has not preempted")
	}
	if got := tells(n.Step(took.Add(time.Millisecond), heard(100)), SplitBegan); len(got) != 0 {
		t.Errorf("an advert that crossed ours: %q", got)
	}
	if got := tells(n.Step(took.Add(time.Second+time.Millisecond), heard(100)), SplitBegan); len(got) != 1 {
		t.Errorf("still there after a whole interval, and told %q", got)
	}
}

// A backup tells whom it hears: the first, another one, another priority; and
// of two side by side only the better one.
func TestBackupTellsWhomItHears(t *testing.T) {
	n := one(config(100))
	n.Step(0, Start{})
	third := heard(150)
	third.Source = netip.MustParseAddr("192.0.2.3")
	for i, c := range []struct {
		after time.Duration
		ev    Heard
		want  string
	}{
		{time.Second, heard(200), "hears master 192.0.2.2 of priority 200"},
		{2 * time.Second, heard(200), ""},
		{2500 * time.Millisecond, third, ""}, // beside it, and worse
		{3 * time.Second, heard(180), "master 192.0.2.2 has priority 180 now, no longer 200"},
		{5 * time.Second, third, "hears master 192.0.2.3 of priority 150 now, no longer 192.0.2.2 of 180"},
		{5500 * time.Millisecond, heard(180), "hears master 192.0.2.2 of priority 180 now, no longer 192.0.2.3 of 150"},
		{6 * time.Second, heard(0), ""},
		{6100 * time.Millisecond, third, "hears master 192.0.2.3 of priority 150 now, no longer 192.0.2.2 of 180"},
	} {
		as := n.Step(at(c.after), c.ev)
		got := strings.Join(append(tells(as, MasterHeard), tells(as, MasterChanged)...), "|")
		if got != c.want {
			t.Errorf("step %d: %q, want %q", i, got, c.want)
		}
		if i == 6 && len(tells(as, MasterLost)) != 1 {
			t.Error("nothing is told of who resigns")
		}
	}
}
