package ipc

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// MaxInline is the longest Body that SendLarge leaves in the frame, in bytes.
	MaxInline = 64 << 10
	// largePatience is how long SendLarge waits for what is before it.
	largePatience, largePause = time.Second, time.Millisecond
)

// SendLarge sends a message whose Body may be of many megabytes. It travels in
// a sealed memory file beside the frame, so that nothing waits behind it:
// neither an answer to Hello, which would look like a loop that hangs, nor the
// peer's loop. It may wait for a moment, and is not for a loop.
func (c *Conn) SendLarge(m Message) error {
	if len(m.Body) <= MaxInline {
		return c.Send(m)
	}
	file, err := Seal("body", m.Body)
	if err != nil {
		return fmt.Errorf("send %s: %w", m.Kind, err)
	}
	defer file.Close()
	m.Body = nil
	for end := time.Now().Add(largePatience); ; time.Sleep(largePause) {
		err = c.Send(m, int(file.Fd()))
		if !errors.Is(err, ErrFull) || time.Now().After(end) {
			return err
		}
	}
}

// Unpack gives a received message the Body that came beside it, if one did,
// and closes the descriptors.
func Unpack(m Message, files []int) (Message, error) {
	if m.Body != nil || len(files) == 0 {
		closeAll(files)
		return m, nil
	}
	closeAll(files[1:])
	body, err := Take(files[0])
	m.Body = body
	return m, err
}

func closeAll(files []int) {
	for _, fd := range files {
		_ = unix.Close(fd)
	}
}
