package cli

import (
	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// idle is a child that does nothing but answer, until the daemon that belongs
// in its place is there.
func idle(conn *ipc.Conn, _ ipc.BootInfo, _ []byte, _ *bus.Bus) error {
	_ = conn.Send(ipc.Message{Kind: ipc.Ready})
	for {
		m, _, err := conn.Recv()
		if err != nil || m.Kind == ipc.Stop {
			return nil
		}
		a := ipc.Message{Kind: m.Kind, Seq: m.Seq, Topic: m.Topic}
		switch m.Kind {
		case ipc.Reload:
			a.Kind = ipc.Reloaded
		case ipc.Query:
			a.Kind, a.Body = ipc.Answer, ipc.Marshal(api.Status{})
		}
		_ = conn.Send(a)
	}
}
