// Package bell rings an eventfd from within the handler of a signal.
//
// The Go runtime brings a signal to whoever waits for it by way of three
// threads, each of which must be woken. A standby router waits all that time
// for the last advert of the one that is told to end. A bell is rung by the
// first thread already, and whoever holds its descriptor, in this process or
// another, wakes next.
//
// Nothing is taken from the runtime: its own handler goes on where ours ends,
// and package os/signal works as ever. What the signal means is decided by who
// hears it.
package bell

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// These belong to the handler, in handler_*.s; it may run at any moment and on
// any thread, so they are written in one piece.
var (
	ringFD  int32 = -1        // the eventfd; a write to -1 does nothing
	ringOne       = uint64(1) //nolint:unused // the handler writes it
	rung    uint32
	// How long this process holds its breath once the bell is rung: bringing the
	// signal to our goroutine wakes four threads, which would compete for the
	// processors with who hears the bell. About twice what that one needs.
	pause = unix.Timespec{Nsec: 200_000} //nolint:unused // the handler reads it
	next  uintptr                        // the runtime's handler
)

// Bell is an eventfd that a signal makes readable, for good.
type Bell struct{ f *os.File }

var hanging sync.Mutex // held while a Bell is open: there is but one handler

var errHanging = errors.New("there is a bell in this process already")

// Hang has a signal ring a new bell until Close. The signal must be one that
// os/signal was asked for before (signal.Notify), or there would be no handler
// of the runtime's to go on with.
func Hang(sig unix.Signal) (*Bell, error) {
	// Not for reading without waiting: then the runtime's poller would watch it,
	// and be woken before the one who waits for it. To write it never waits, short
	// of 2^64 signals.
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an eventfd: %w", err)
	}
	if !hanging.TryLock() {
		_ = unix.Close(fd)
		return nil, errHanging
	}
	atomic.StoreUint32(&rung, 0)
	atomic.StoreInt32(&ringFD, int32(fd)) // a descriptor
	if err := intercept(sig); err != nil {
		atomic.StoreInt32(&ringFD, -1)
		hanging.Unlock()
		_ = unix.Close(fd)
		return nil, fmt.Errorf("ring a bell at %s: %w", unix.SignalName(sig), err)
	}
	return &Bell{os.NewFile(uintptr(fd), "bell")}, nil
}

// File is the eventfd: readable once the bell has been rung. Nobody reads it.
func (b *Bell) File() *os.File { return b.f }

// Rung reports whether it was rung.
func (b *Bell) Rung() bool { return atomic.LoadUint32(&rung) != 0 }

// Close takes the bell down; the signal goes to the runtime alone.
func (b *Bell) Close() {
	atomic.StoreInt32(&ringFD, -1)
	_ = b.f.Close()
	hanging.Unlock()
}

// sigaction is struct kernel_sigaction (asm-generic/signal.h).
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

// intercept puts our handler before the runtime's.
func intercept(sig unix.Signal) error {
	if handler == 0 {
		return nil // not on this architecture: os/signal is all there is
	}
	var act sigaction
	if err := rtSigaction(sig, nil, &act); err != nil {
		return err
	}
	if act.handler == handler {
		return nil // since an earlier bell
	}
	const byDefault, ignored = 0, 1 // SIG_DFL, SIG_IGN
	if act.handler == byDefault || act.handler == ignored {
		return fmt.Errorf("the runtime has no handler: %w", unix.EINVAL)
	}
	atomic.StoreUintptr(&next, act.handler)
	act.handler = handler
	return rtSigaction(sig, &act, nil)
}

func rtSigaction(sig unix.Signal, set, was *sigaction) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(set)),
		uintptr(unsafe.Pointer(was)), unsafe.Sizeof(was.mask), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
