package proxyd

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/ipc"
	"golang.org/x/sys/unix"
)

// keepPause is the wait before the parent is told again what it had no room for.
const keepPause = 10 * time.Millisecond

// keeper has the parent hold a copy of what we listen on: if we die, clients
// wait in the kernel's backlog for our successor. It belongs to the balancer's
// goroutine; the zero keeper keeps nothing.
type keeper struct {
	send  func(ipc.Message, ...int) error
	spare map[string]int // inherited, and not asked for yet
	held  map[string]bool
	most  int    // how many the parent has descriptors for
	words []word // that the parent has not taken yet, in order
}

// word is what the parent is to hear: hold fd under name, or drop it.
type word struct {
	kind ipc.Kind
	name string
	fd   int
}

func newKeeper(send func(ipc.Message, ...int) error, held []ipc.Held) *keeper {
	k := &keeper{send: send, spare: map[string]int{}, held: map[string]bool{}, most: ipc.MaxHeld}
	var limit unix.Rlimit // still the parent's too
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		k.most = int(min(uint64(k.most), limit.Max/2))
	}
	for _, h := range held {
		unix.CloseOnExec(h.FD)
		_ = unix.SetNonblock(h.FD, true)
		k.spare[h.Name], k.held[h.Name] = h.FD, true
	}
	return k
}

// take returns the socket that our predecessor had under name.
func (k *keeper) take(name string) (fd int, ok bool) {
	fd, ok = k.spare[name]
	delete(k.spare, name)
	return fd, ok
}

// keep has fd outlive us, which is the caller's until drop.
func (k *keeper) keep(name string, fd int) {
	if k.send == nil || k.held[name] || len(k.held) >= k.most {
		return
	}
	k.held[name] = true
	k.words = append(k.words, word{ipc.Hold, name, fd})
	k.flush()
}

// drop ends keep, before fd is closed.
func (k *keeper) drop(name string) {
	if !k.held[name] {
		return
	}
	delete(k.held, name)
	for i, w := range k.words {
		if w.kind == ipc.Hold && w.name == name { // the parent never heard of it
			k.words = append(k.words[:i], k.words[i+1:]...)
			return
		}
	}
	k.words = append(k.words, word{ipc.Drop, name, -1})
	k.flush()
}

// dropSpare gives up what was inherited and is none of the wanted.
func (k *keeper) dropSpare(wanted func(name string) bool) {
	for name, fd := range k.spare {
		if wanted(name) {
			continue // it has a reason not to listen yet
		}
		delete(k.spare, name)
		retire(fd)
		_ = unix.Close(fd)
		k.drop(name)
	}
}

// flush tells the parent what it has room for, and reports whether that was all.
func (k *keeper) flush() bool {
	for len(k.words) > 0 {
		w := k.words[0]
		m, files := ipc.Message{Kind: w.kind, Topic: w.name}, []int{}
		if w.kind == ipc.Hold {
			files = append(files, w.fd)
		}
		err := k.send(m, files...)
		if errors.Is(err, ipc.ErrFull) {
			return false
		}
		if err != nil { // it has gone, and we go too
			k.words = nil
			return true
		}
		k.words = k.words[1:]
	}
	k.words = nil
	return true
}

// retire ends the use of a socket in every process that has it: clients of TCP
// are reset, and a port of UDP is free for the next.
func retire(fd int) {
	_ = unix.Shutdown(fd, unix.SHUT_RD) // UDP: it is not connected
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
}

// The places of our notes.
const (
	noteConns = iota
	noteSessions
)

// noteNames are what the notes count, as the operator reads of one.
var noteNames = []string{"TCP connection", "UDP session"}

// lost says what ended with our predecessor; empty if nothing did.
func lost(notes ipc.Notes) string {
	had, parts := notes.Read(), []string{}
	for _, name := range noteNames {
		if n := had[ipc.Key(name)]; n > 0 {
			if n > 1 {
				name += "s"
			}
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "Lost with the proxy child that died: " + strings.Join(parts, ", ")
}
