package loop

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestPriorityBounds(t *testing.T) {
	var k Keeper
	for _, p := range []int{100, -1} {
		if k.Set(newLoop(t), Precedence{RTPriority: p}) == nil {
			t.Errorf("priority %d was taken", p)
		}
	}
}

func TestWhatIsNotWantedAnyMoreIsUndone(t *testing.T) {
	var was, got unix.CPUSet
	if err := unix.SchedGetaffinity(0, &was); err != nil || was.Count() < 2 {
		t.Skip("one CPU only:", err)
	}
	if unix.Geteuid() != 0 {
		t.Skip("needs root, to become less nice again")
	}
	one := 0
	for !was.IsSet(one) {
		one++
	}
	var k Keeper
	defer k.Close()
	if err := k.Set(newLoop(t), Precedence{Nice: 3, CPUs: []int{one}}); err != nil {
		t.Fatal(err)
	}
	_ = unix.SchedGetaffinity(0, &got)
	if got.Count() != 1 || !got.IsSet(one) || niceness() != 3 {
		t.Errorf("CPUs %v, nice %d", got, niceness())
	}
	if err := k.Set(newLoop(t), Precedence{}); err != nil {
		t.Fatal(err)
	}
	_ = unix.SchedGetaffinity(0, &got)
	if got != was || niceness() != k.born.nice {
		t.Errorf("CPUs %v, nice %d: not as before", got, niceness())
	}
}
