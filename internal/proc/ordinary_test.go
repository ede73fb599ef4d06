package proc

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// A program is no loop: it does not inherit our short slices, nor a nice value.
func TestProgramsAreOrdinary(t *testing.T) {
	if born == nil || born.Runtime == 0 {
		t.Skip("this kernel knows no slices of one's own")
	}
	runtime.LockOSThread() // never unlocked: what is set here ends with the thread
	ours, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours.Runtime, ours.Nice = 100_000, born.Nice
	if err := unix.SchedSetAttr(0, ours, 0); err != nil {
		t.Fatal(err)
	}
	p, err := Start(Spec{Argv: []string{"sleep", "60"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := unix.SchedGetAttr(p.PID(), 0)
	p.Stop()
	p.Wait()
	if err != nil || got.Runtime != born.Runtime || got.Nice != born.Nice {
		t.Errorf("the program has %+v (%v), want what we were born with, %+v", got, err, born)
	}
}
