package proc

import (
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ownSlack is what a program says of itself: the slack that it has.
var ownSlack = []string{"cat", "/proc/self/timerslack_ns"}

// What is started with a slack has it, and the thread has its own again, also
// where nothing could be started.
func TestWithSlackIsForWhatIsStarted(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	had := slackOf()
	if had == 0 {
		t.Skip("this kernel does not say what slack we have")
	}
	var out strings.Builder
	cmd := exec.Command(ownSlack[0], ownSlack[1:]...)
	cmd.Stdout = &out
	if err := WithSlack(had+time.Millisecond, cmd.Run); err != nil {
		t.Fatal(err)
	}
	if got, err := time.ParseDuration(strings.TrimSpace(out.String()) + "ns"); err != nil || got != had+time.Millisecond {
		t.Errorf("the program has a slack of %q, want %v", out.String(), had+time.Millisecond)
	}
	broken := errors.New("broken")
	if err := WithSlack(had+time.Millisecond, func() error { return broken }); !errors.Is(err, broken) {
		t.Errorf("it returned %v", err)
	}
	if got := slackOf(); got != had {
		t.Errorf("the thread has %v, want %v as before", got, had)
	}
}

// A program gets the slack that the daemon was started with, whatever the
// process and the thread that start it have.
func TestProgramsHaveTheOrdinarySlack(t *testing.T) {
	born := OrdinarySlack()
	if born == 0 {
		t.Skip("this kernel does not say what slack we have")
	}
	t.Cleanup(func() { SetOrdinarySlack(born) })
	for _, want := range []time.Duration{born, 70 * time.Microsecond} {
		SetOrdinarySlack(want)
		SetOrdinarySlack(0) // unknown: changes nothing
		runtime.LockOSThread()
		had := slackOf()
		if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 2_000_000, 0, 0, 0); err != nil {
			t.Fatal(err)
		}
		r := Run(t.Context(), Spec{Argv: ownSlack, MaxOutput: 100})
		_ = setSlack(had)
		runtime.UnlockOSThread()
		if got, err := time.ParseDuration(strings.TrimSpace(string(r.Output)) + "ns"); err != nil || got != want {
			t.Errorf("the program has a slack of %q (%v), want %v", r.Output, r, want)
		}
	}
}
