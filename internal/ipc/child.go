package ipc

import (
	"encoding/json"
	"errors"

	"github.com/holdfast-ha/holdfast/internal/bus"
)

// ChildFD is the descriptor of a child's end of the socket pair.
const ChildFD = 3

// ChildMain is what a daemon offers to be run as a child (vrrpd.Run and its
// like). It is called in the child's process once the Boot frame was read, the
// snapshot mapped, the log opened and the pid file locked.
//
// From then on conn belongs to it: it answers Hello, Reload, Query and Stop
// from its own loop, and sends Ready when it serves. It returns nil after
// Stop or when conn reports io.EOF (the parent is gone: end in the same orderly
// way), and an error that wraps ErrPermanent where starting again is in vain.
// snapshot is read-only memory for the process's whole life.
type ChildMain func(conn *Conn, boot BootInfo, snapshot []byte, log *bus.Bus) error

// ErrPermanent marks an error of a child that a restart would only repeat,
// such as a missing privilege.
var ErrPermanent = errors.New("starting it again would not help")

// Marshal puts a value into a message's Body. It panics on a value that JSON
// cannot hold, which is a broken invariant.
func Marshal(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("ipc: " + err.Error())
	}
	return b
}
