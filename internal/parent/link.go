package parent

import (
	"log/slog"

	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// linked are the children that speak with each other without us in between: BFD
// tells VRRP and checkers what becomes of its sessions, VRRP and checkers
// tell the outlets what becomes of instances and servers.
var linked = [][2]string{{BFD, VRRP}, {BFD, Checker}, {VRRP, Outlet}, {Checker, Outlet}}

// link connects a child that has just begun to serve with those that serve
// already and are to speak with it. Whoever dies and comes back is linked anew.
func (h *house) link(k *kid) {
	for _, pair := range linked {
		a, b := h.kids[pair[0]], h.kids[pair[1]]
		if a == nil || b == nil || k != a && k != b || !serves(a) || !serves(b) {
			continue
		}
		if err := introduce(a, b); err != nil {
			h.tell(slog.LevelError, "process", "connect the %s child with the %s child: %v", titles[a.name], titles[b.name], err)
		}
	}
}

func serves(k *kid) bool { return k.process != nil && k.watch.Serving() }

// introduce gives two children a socket each that leads to the other.
func introduce(a, b *kid) error {
	to, from, err := ipc.Peers()
	if err != nil {
		return err
	}
	defer to.Close()
	defer from.Close()
	if err := b.process.conn.Send(ipc.Message{Kind: ipc.Link, Topic: a.name}, int(from.Fd())); err != nil {
		return err
	}
	return a.process.conn.Send(ipc.Message{Kind: ipc.Link, Topic: b.name}, int(to.Fd()))
}

// wish does what somebody asked the outlet child for; who may ask is the bus's
// to say.
func (h *house) wish(topic string) {
	switch topic {
	case ipc.WishReload:
		h.tellOf(Outlet, slog.LevelInfo, "config", "Reloading: asked to over D-Bus")
		h.reload()
	case ipc.WishData:
		h.dump(DumpData)
	case ipc.WishStats:
		h.dump(DumpStats)
	case ipc.WishClear:
		h.dump(DumpClear)
	}
}
