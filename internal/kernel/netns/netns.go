// Package netns does things in another network namespace: what is made there
// (a socket, a process) stays there, and the caller is where it was.
package netns

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// folder is where iproute2 keeps named network namespaces.
const folder = "/run/netns"

// Start names the namespace that the daemon was started in and its parent
// process never leaves, as conf.StartNamespace; no file can have this name.
const Start = "."

// Do runs f in the network namespace of that name; "" is ours. The thread that
// changed its namespace is thrown away, and whatever f starts must be done with
// its thread when f returns.
func Do(name string, f func() error) error {
	if name == "" {
		return f()
	}
	done := make(chan error, 1) // one answer
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		if err := enter(name); err != nil {
			done <- fmt.Errorf("enter network namespace %s: %w", name, err)
			return
		}
		done <- f()
	}()
	return <-done
}

func enter(name string) error {
	path := filepath.Join(folder, filepath.Base(name))
	if name == Start {
		path = filepath.Join("/proc", strconv.Itoa(os.Getppid()), "ns/net")
	}
	ns, err := os.Open(path)
	if err != nil {
		return err
	}
	defer ns.Close()
	return unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
}
