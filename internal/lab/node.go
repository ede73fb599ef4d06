package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Node is one machine of the lab: a network namespace, held by one thread that
// never leaves it. Sockets made and processes started on that thread belong to
// the node; they may be used from anywhere afterwards.
type Node struct {
	name  string
	lab   *Lab
	fd    int             // the namespace
	inode uint64          // its identity in /proc/PID/ns/net
	links *netlink.Handle // rtnetlink sockets made inside

	do   chan func()
	done chan struct{} // closed when the thread has gone

	mu    sync.Mutex
	ended bool
	count int // processes started, for the names of their logs
}

// settings every node gets before it has an interface: duplicate address
// detection would make addresses late, and a sender's way back may differ.
var settings = map[string]string{
	"net/ipv6/conf/all/accept_dad":     "0",
	"net/ipv6/conf/default/accept_dad": "0",
	"net/ipv6/conf/all/accept_ra":      "0",
	"net/ipv6/conf/default/accept_ra":  "0",
	"net/ipv4/conf/all/rp_filter":      "0",
	"net/ipv4/conf/default/rp_filter":  "0",
}

func newNode(l *Lab, name string) (*Node, error) {
	n := &Node{name: name, lab: l, fd: -1, do: make(chan func()), done: make(chan struct{})}
	ready := make(chan error, 1) // one answer, nobody need wait to give it
	go n.run(ready)
	if err := <-ready; err != nil {
		return nil, err
	}
	for key, value := range settings {
		err := n.Sysctl(key, value)
		if err != nil && !errors.Is(err, os.ErrNotExist) { // a kernel without IPv6
			n.close()
			return nil, err
		}
	}
	return n, n.SetLink("lo", true)
}

// run is the node's thread. It ends locked, so the runtime destroys the thread
// instead of giving it, in a foreign namespace, to somebody else.
func (n *Node) run(ready chan<- error) {
	runtime.LockOSThread()
	if unix.Gettid() == os.Getpid() {
		// The process's first thread cannot be destroyed. Sit on it until the
		// same has been done on another one.
		n.runElsewhere(ready)
		runtime.UnlockOSThread()
		return
	}
	defer close(n.done)
	if err := n.enter(); err != nil {
		ready <- err
		return
	}
	ready <- nil
	for f := range n.do {
		f()
	}
	n.links.Close()
	_ = unix.Close(n.fd)
}

func (n *Node) runElsewhere(ready chan<- error) {
	first := make(chan error, 1)
	go n.run(first)
	ready <- <-first
}

func (n *Node) enter() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		_ = unix.Close(fd)
		return err
	}
	n.fd, n.inode = fd, st.Ino
	n.links, err = netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		_ = unix.Close(fd)
	}
	return err
}

func (n *Node) close() {
	n.mu.Lock()
	if !n.ended {
		n.ended = true
		close(n.do)
	}
	n.mu.Unlock()
	<-n.done
}

// Name is the node's name in its lab.
func (n *Node) Name() string { return n.name }

// Do runs f on the node's thread and returns its error. f must not block: the
// node does one thing at a time.
func (n *Node) Do(f func() error) error {
	n.mu.Lock()
	if n.ended {
		n.mu.Unlock()
		return fmt.Errorf("node %s: %w", n.name, os.ErrClosed)
	}
	answer := make(chan error, 1)
	n.do <- func() { answer <- f() }
	n.mu.Unlock()
	return <-answer
}

// Sysctl sets a value of the node's own, e.g. net/ipv4/ip_forward.
func (n *Node) Sysctl(key, value string) error {
	return n.Do(func() error {
		return os.WriteFile("/proc/sys/"+key, []byte(value), 0o644)
	})
}

// Listen makes a listening stream socket on the node.
func (n *Node) Listen(network, address string) (net.Listener, error) {
	var ln net.Listener
	err := n.Do(func() (err error) {
		ln, err = net.Listen(network, address)
		return err
	})
	return ln, err
}

// ListenPacket makes a datagram or raw socket on the node.
func (n *Node) ListenPacket(network, address string) (net.PacketConn, error) {
	var c net.PacketConn
	err := n.Do(func() (err error) {
		c, err = net.ListenPacket(network, address)
		return err
	})
	return c, err
}

// DialContext connects from the node to an address (not a name), over tcp or
// udp. It fits http.Transport.DialContext. Only the socket's birth happens on
// the node's thread, so any number of dials may wait at once.
func (n *Node) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	kind := unix.SOCK_STREAM
	if strings.HasPrefix(network, "udp") {
		kind = unix.SOCK_DGRAM
	}
	var fd int
	err = n.Do(func() (err error) {
		fd, err = beginConnect(ap, kind)
		return err
	})
	if err == nil {
		var c net.Conn
		if c, err = finishConnect(ctx, fd); err == nil {
			return c, nil
		}
	}
	return nil, &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(ap), Err: err}
}

func beginConnect(ap netip.AddrPort, kind int) (int, error) {
	var to unix.Sockaddr = &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()}
	family := unix.AF_INET6
	if ap.Addr().Is4() {
		to = &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Connect(fd, to); err != nil && err != unix.EINPROGRESS {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// finishConnect hands the socket to the runtime's poller and waits until it is
// connected, refused, or the context ends.
func finishConnect(ctx context.Context, fd int) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), "")
	defer file.Close()
	c, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		c.Close()
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var refused error
	err = raw.Write(func(fd uintptr) bool {
		code, e := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if e == nil && code != 0 {
			e = syscall.Errno(code)
		}
		if refused = e; refused != nil {
			return true
		}
		_, e = unix.Getpeername(int(fd))
		return e == nil
	})
	if err == nil {
		err = refused
	}
	if ctx.Err() != nil && err != nil {
		err = ctx.Err()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}
