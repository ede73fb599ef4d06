package lab

import (
	"testing"
	"time"
)

const ms = time.Millisecond

// book writes requests 10 ms apart into a ledger: '.' was answered, 'x' failed.
func book(l *ledger, fates string) (over []Outage) {
	at := time.Duration(l.good+l.failed) * 10 * ms
	for _, f := range fates {
		why := ""
		if f == 'x' {
			why = "refused"
		}
		if o := l.note(at, why); o != nil {
			over = append(over, *o)
		}
		at += 10 * ms
	}
	return over
}

func TestOutageLastsFromFirstFailureToCalm(t *testing.T) {
	var l ledger
	calmDown := "....................." // 21 requests, 200 ms from first to last
	over := book(&l, "..xxx"+calmDown)
	if len(over) != 1 {
		t.Fatalf("outages %v, want one", over)
	}
	if got := over[0]; got.Start != 20*ms || got.Length != 30*ms || got.Failed != 3 || got.Why != "refused" {
		t.Errorf("got %+v", got)
	}
	if l.open != nil {
		t.Errorf("still open: %+v", l.open)
	}
}

func TestFailuresBetweenGoodAnswersAreOneOutage(t *testing.T) {
	var l ledger
	over := book(&l, ".x..x..x"+".....................")
	if len(over) != 1 || over[0].Length != 70*ms || over[0].Failed != 3 {
		t.Errorf("got %+v, want one of 70ms with 3 failed", over)
	}
}

func TestNothingIsAnOutageBeforeTheFirstAnswer(t *testing.T) {
	var l ledger
	book(&l, "xxxxx")
	if l.failed != 0 || l.open != nil {
		t.Errorf("failed %d, open %v before the service began", l.failed, l.open)
	}
	book(&l, ".x")
	if l.failed != 1 || l.open == nil {
		t.Errorf("failed %d, open %v after it began", l.failed, l.open)
	}
}

func TestOutagesSinceForgetsTheOldest(t *testing.T) {
	var l ledger
	l.begun = true
	for i := range maxOutages + 5 {
		at := time.Duration(i) * time.Second
		l.note(at, "refused")
		l.note(at+10*ms, "")
		l.note(at+10*ms+calm, "")
	}
	if len(l.over) != maxOutages || l.count != maxOutages+5 {
		t.Fatalf("kept %d of %d", len(l.over), l.count)
	}
	if got := l.since(maxOutages + 3); len(got) != 2 {
		t.Errorf("the last two are %d", len(got))
	}
	if got := l.since(0); len(got) != maxOutages {
		t.Errorf("all that is kept is %d", len(got))
	}
}

func TestRateCountsWholeSeconds(t *testing.T) {
	tr := &Traffic{start: time.Now()}
	for range 7 {
		tr.count(1500 * ms)
	}
	tr.count(2100 * ms)
	if got := tr.recent[1%rateWindow]; got != 7 {
		t.Errorf("second 1 has %d, want 7", got)
	}
	tr.turn(60 * time.Second)
	for i, n := range tr.recent {
		if n != 0 {
			t.Errorf("slot %d still has %d after a minute of nothing", i, n)
		}
	}
}
