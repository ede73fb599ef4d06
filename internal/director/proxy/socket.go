package proxy

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// backlog is how many checkers may wait to be accepted; there is one.
const backlog = 8

// Listen makes the socket on which the data path waits for the checker, under
// a random name in the abstract namespace (unix(7)): no file to clean up, and
// each network namespace has its own. The parent calls it once, hands the file
// to every proxy child and the name to every checker child, so that whoever of
// the two dies finds the other again.
func Listen() (*os.File, string, error) {
	var random [12]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, "", fmt.Errorf("name the proxy's socket: %w", err)
	}
	name := "@holdfast-proxy-" + hex.EncodeToString(random[:])
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, "", fmt.Errorf("make the proxy's socket: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: name}); err != nil {
		_ = f.Close()
		return nil, "", fmt.Errorf("bind the proxy's socket to %s: %w", name, err)
	}
	if err := unix.Listen(fd, backlog); err != nil {
		_ = f.Close()
		return nil, "", fmt.Errorf("listen on the proxy's socket %s: %w", name, err)
	}
	return f, name, nil
}

// dial connects to name and makes sure that it was us who made the socket:
// anybody may bind an abstract name that is free.
func dial(name string) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("connect to the proxy: %w", err)
	}
	if err = unix.Connect(fd, &unix.SockaddrUnix{Name: name}); err == nil {
		err = CheckPeer(fd)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("connect to the proxy at %s: %w", name, err)
	}
	return fd, nil
}

// CheckPeer refuses a peer that runs as another user, root excepted.
func CheckPeer(fd int) error {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return fmt.Errorf("ask who the peer is: %w", err)
	}
	return refuse(cred, os.Geteuid())
}

func refuse(peer *unix.Ucred, me int) error {
	if peer.Uid != 0 && int(peer.Uid) != me {
		return fmt.Errorf("the peer runs as user %d, not as %d: %w", peer.Uid, me, os.ErrPermission)
	}
	return nil
}
