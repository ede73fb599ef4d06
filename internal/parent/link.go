package parent

import (
	"log/slog"

	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// link connects a child that has just begun to serve with those that serve
// already and are to speak with it: BFD tells VRRP and checkers what becomes of
// its sessions, without us in between. Whoever dies and comes back is linked
// anew.
func (h *house) link(k *kid) {
	bfd := h.kids[BFD]
	if bfd == nil || !serves(bfd) {
		return
	}
	for _, name := range []string{VRRP, Checker} {
		if other := h.kids[name]; other != nil && serves(other) && (k == bfd || k == other) {
			if err := introduce(bfd, other); err != nil {
				h.tell(slog.LevelError, "process", "connect the %s child with the %s child: %v", titles[BFD], titles[name], err)
			}
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
