package proxyd

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/director/proxy"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"golang.org/x/sys/unix"
)

// maxClients bounds the checkers that may be connected at once: the one that
// lives, and those of which we have not yet heard that they are dead.
const maxClients = 8

// request is what a checker asks; reply takes exactly one answer.
type request struct {
	message ipc.Message
	reply   func(ipc.Message)
}

// control accepts checkers and hands their requests to the loop, one at a time.
type control struct {
	requests chan request // unbuffered: a checker waits for its turn
	told     func(what string)
	clients  sync.WaitGroup
	places   slots
}

// serve accepts until ctx ends. It does not close f, which the parent keeps
// for whoever comes after us.
func (c *control) serve(ctx context.Context, f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return fmt.Errorf("the checker's socket: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = f.Close() })
	defer stop()
	defer c.clients.Wait()
	for c.places.take(ctx.Done()) {
		var fd int
		var acceptErr error
		err := raw.Read(func(l uintptr) bool {
			fd, _, acceptErr = unix.Accept4(int(l), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
			return acceptErr != unix.EAGAIN
		})
		switch {
		case ctx.Err() != nil:
			if err == nil && acceptErr == nil {
				_ = unix.Close(fd)
			}
			return nil
		case err != nil:
			return fmt.Errorf("accept the checker: %w", err)
		case acceptErr != nil:
			c.places.give()
			select {
			case <-time.After(acceptPause):
			case <-ctx.Done():
			}
			continue
		}
		c.clients.Go(func() {
			defer c.places.give()
			c.client(ctx, fd)
		})
	}
	return nil
}

// client speaks with one checker until it has gone.
func (c *control) client(ctx context.Context, fd int) {
	if err := proxy.CheckPeer(fd); err != nil {
		c.told("somebody wanted to program the proxy: " + err.Error())
		_ = unix.Close(fd)
		return
	}
	conn := ipc.FromFD(fd)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		if stop() {
			_ = conn.Close()
		}
	}()
	_ = conn.Send(ipc.Message{Kind: ipc.Ready}) // one that has gone is noticed below
	for {
		m, _, err := conn.Recv()
		if err != nil {
			return // the checker has gone, or we go
		}
		answered := make(chan struct{})
		r := request{m, func(a ipc.Message) {
			defer close(answered)
			a.Kind, a.Seq = ipc.Answer, m.Seq
			_ = conn.Send(a) // a checker that has gone asks again when it is back
		}}
		select {
		case c.requests <- r:
			<-answered
		case <-ctx.Done():
			return
		}
	}
}

// answer does what a checker asked.
func answer(b *Balancer, m ipc.Message) (a ipc.Message) {
	switch m.Kind {
	case proxy.KindSet:
		var u proxy.Update
		if err := json.Unmarshal(m.Body, &u); err != nil {
			a.Error = "an update that cannot be read: " + err.Error()
			return a
		}
		changes, err := b.Change(u.Delta())
		if err != nil {
			a.Error = err.Error()
		}
		a.Body = ipc.Marshal(changes)
	case proxy.KindTimeouts:
		var t director.Timeouts
		if err := json.Unmarshal(m.Body, &t); err != nil {
			a.Error = "timeouts that cannot be read: " + err.Error()
			return a
		}
		b.SetTimeouts(t)
	case proxy.KindLimit:
		var n int
		if err := json.Unmarshal(m.Body, &n); err != nil {
			a.Error = "a limit that cannot be read: " + err.Error()
			return a
		}
		b.SetLimit(n)
	case proxy.KindRead:
		a.Body = ipc.Marshal(proxy.Encode(b.Read()))
	case proxy.KindCounters:
		a.Body = proxy.EncodeCounters(b.Counters())
	default:
		a.Error = fmt.Sprintf("the proxy does not know %q", m.Kind)
	}
	return a
}
