package raw

import (
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAddressThereAndBack(t *testing.T) {
	for _, text := range []string{"192.0.2.1:80", "[2001:db8::1]:65535", "0.0.0.0:0"} {
		want := netip.MustParseAddrPort(text)
		var a address
		a.set(want)
		if got := a.get(); got != want {
			t.Errorf("%s became %s", want, got)
		}
	}
	var a address
	a.set(netip.AddrPortFrom(netip.AddrFrom16(netip.MustParseAddr("::ffff:192.0.2.1").As16()), 80))
	if got := a.get().Addr(); !got.Is4() {
		t.Errorf("a mapped address is %s, want one of IPv4", got)
	}
}

// listening returns a listener of the loopback and where it is.
func listening(t *testing.T, at string) (fd int, where netip.AddrPort) {
	t.Helper()
	family, where := unix.AF_INET, netip.MustParseAddrPort(at)
	var sa unix.Sockaddr = &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if where.Addr().Is6() {
		family, sa = unix.AF_INET6, &unix.SockaddrInet6{Addr: [16]byte{15: 1}}
	}
	fd, err := Stream(family)
	if err == nil {
		err = unix.Bind(fd, sa)
	}
	if err == nil {
		err = unix.Listen(fd, 8)
	}
	if err != nil {
		t.Skipf("listen on %s: %v", at, err)
	}
	t.Cleanup(func() { Close(fd) })
	sa, err = unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := 0
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		port = sa.Port
	case *unix.SockaddrInet6:
		port = sa.Port
	}
	return fd, netip.AddrPortFrom(where.Addr(), uint16(port))
}

// await waits until a descriptor has events.
func await(t *testing.T, fd int, events int16) {
	t.Helper()
	p := []unix.PollFd{{Fd: int32(fd), Events: events}}
	if n, err := unix.Poll(p, 10_000); n != 1 || err != nil {
		t.Fatalf("descriptor %d: %d, %v", fd, n, err)
	}
}

// A connection from its beginning to its end.
func TestConnection(t *testing.T) {
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, where := listening(t, at)
		if _, _, err := Accept(l); !errors.Is(err, unix.EAGAIN) {
			t.Fatalf("nobody has come: %v", err)
		}
		family := unix.AF_INET
		if where.Addr().Is6() {
			family = unix.AF_INET6
		}
		us, err := Stream(family)
		if err != nil {
			t.Fatal(err)
		}
		defer Close(us)
		if err := Set(us, unix.SOL_TCP, unix.TCP_NODELAY, 1); err != nil {
			t.Error(err)
		}
		if err := Connect(us, where); err != nil && !errors.Is(err, unix.EINPROGRESS) {
			t.Fatal(err)
		}
		await(t, l, unix.POLLIN)
		peer, from, err := Accept(l)
		if err != nil || from.Addr() != where.Addr() || from.Port() == 0 {
			t.Fatalf("from %s: %v", from, err)
		}
		defer Close(peer)
		talk(t, us, peer)
		if err := Disconnect(us); err != nil {
			t.Error(err)
		}
		if err := Connect(us, where); err != nil && !errors.Is(err, unix.EINPROGRESS) {
			t.Errorf("once more: %v", err)
		}
	}
}

func talk(t *testing.T, us, peer int) {
	t.Helper()
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer Close(epoll)
	var events [4]unix.EpollEvent
	if err := Watch(epoll, unix.EPOLL_CTL_ADD, peer, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: 7}); err != nil {
		t.Fatal(err)
	}
	if Ready(epoll, events[:]) != 0 || Readable(peer) {
		t.Error("there is something to read before anything was written")
	}
	if n, err := Write(us, []byte("first, ")); n != 7 || err != nil {
		t.Errorf("wrote %d, %v", n, err)
	}
	if n, err := WriteLast(us, []byte("last")); n != 4 || err != nil {
		t.Errorf("wrote %d, %v", n, err)
	}
	if err := CloseWrite(us); err != nil {
		t.Error(err)
	}
	await(t, peer, unix.POLLIN)
	if Ready(epoll, events[:]) != 1 || events[0].Fd != 7 || !Readable(peer) {
		t.Errorf("%+v", events[0])
	}
	var all []byte
	for b := make([]byte, 64); ; {
		await(t, peer, unix.POLLIN)
		n, err := Read(peer, b)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		all = append(all, b[:n]...)
	}
	if string(all) != "first, last" {
		t.Errorf("read %q", all)
	}
	if err := Watch(epoll, unix.EPOLL_CTL_DEL, peer, nil); err != nil || Ready(epoll, events[:]) != 0 {
		t.Errorf("unwatched: %v", err)
	}
	if n, err := Read(us, make([]byte, 1)); n != 0 || !errors.Is(err, unix.EAGAIN) {
		t.Errorf("nothing was sent to us: %d, %v", n, err)
	}
	if _, err := Write(us, []byte("late")); !errors.Is(err, unix.EPIPE) {
		t.Errorf("after the end: %v", err)
	}
}

func TestNoSocket(t *testing.T) {
	if err := CloseWrite(-1); !errors.Is(err, unix.EBADF) {
		t.Errorf("%v", err)
	}
	if fd, err := Stream(-1); fd >= 0 || err == nil {
		t.Errorf("a socket of no family: %d, %v", fd, err)
	}
}

// Who sleeps is woken by what its epoll watches, and without a sleep is told
// what there is.
func TestSleeper(t *testing.T) {
	var s Sleeper
	s.Close() // of one that was never opened
	epoll, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	defer Close(timer)
	if err := Watch(epoll, unix.EPOLL_CTL_ADD, timer, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: 7}); err != nil {
		t.Fatal(err)
	}
	var events [4]unix.EpollEvent
	if n, err := s.Wait(events[:], true); n != 0 || err != nil {
		t.Errorf("%d events before there are any, %v", n, err)
	}
	if err := SetTimer(timer, 0, &unix.ItimerSpec{Value: unix.Timespec{Nsec: 1}}); err != nil {
		t.Fatal(err)
	}
	for _, atOnce := range []bool{false, true} { // the timer is not read
		if n, err := s.Wait(events[:], atOnce); n != 1 || events[0].Fd != 7 || err != nil {
			t.Errorf("%d events, first %+v, %v", n, events[0], err)
		}
	}
	s.Close()
	if _, err := s.Wait(events[:], false); err == nil {
		t.Error("no error once it is closed")
	}
}
