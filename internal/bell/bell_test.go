package bell

import (
	"os"
	"os/signal"
	"testing"

	"golang.org/x/sys/unix"
)

func readable(t *testing.T, b *Bell, timeout int) bool {
	t.Helper()
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(b.File().Fd()), Events: unix.POLLIN}}, timeout)
	if err != nil && err != unix.EINTR {
		t.Fatal(err)
	}
	return n == 1
}

// hang asks for the signal and hangs a bell.
func hang(t *testing.T, sig unix.Signal) (*Bell, <-chan os.Signal) {
	t.Helper()
	if handler == 0 {
		t.Skip("this architecture has no handler")
	}
	heard := make(chan os.Signal, 100)
	signal.Notify(heard, sig)
	t.Cleanup(func() { signal.Stop(heard) })
	b, err := Hang(sig)
	if err != nil {
		t.Fatal(err)
	}
	return b, heard
}

func TestBothHear(t *testing.T) {
	for range 3 { // bells one after the other
		b, heard := hang(t, unix.SIGUSR1)
		if readable(t, b, 0) || b.Rung() {
			t.Error("rung before the signal")
		}
		for range 5 {
			if err := unix.Kill(os.Getpid(), unix.SIGUSR1); err != nil {
				t.Fatal(err)
			}
			<-heard
		}
		if !readable(t, b, 0) || !b.Rung() {
			t.Error("not rung though os/signal heard it")
		}
		b.Close()
	}
}

func TestAClosedBellIsNotRung(t *testing.T) {
	b, heard := hang(t, unix.SIGUSR2)
	b.Close()
	_ = unix.Kill(os.Getpid(), unix.SIGUSR2)
	<-heard // and nothing was written to a descriptor of somebody else's
	if b, _ = hang(t, unix.SIGUSR2); readable(t, b, 0) || b.Rung() {
		t.Error("a new bell has rung")
	}
	b.Close()
}

func TestOnlyWhatTheRuntimeHandles(t *testing.T) {
	if handler == 0 {
		t.Skip("this architecture has no handler")
	}
	if b, err := Hang(unix.SIGKILL); err == nil {
		b.Close()
		t.Error("a bell at SIGKILL")
	}
}

// A descriptor that the runtime's poller watches wakes one of our threads, too,
// each time, while the other process waits for the handler to end.
func TestThePollerDoesNotListen(t *testing.T) {
	b, _ := hang(t, unix.SIGUSR1)
	defer b.Close()
	if flags, err := unix.FcntlInt(b.File().Fd(), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("the bell's flags are %#x, %v: os.NewFile gives it to the poller", flags, err)
	}
}
