package bfdd

import (
	"log/slog"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/bfd"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// link takes a socket to another child, which first hears of all sessions. The
// child of an earlier link to the same has ended.
func (d *daemon) link(to string, fd int) {
	if was := d.links[to]; was != nil {
		was.Detach()
	}
	// It says nothing; what there is to read is its end.
	read := func(c *ipc.Conn) error { return c.ReadReady(func(ipc.Message, []int) {}) }
	l := new(ipc.Sibling)
	if err := l.Attach(d.loop, fd, unix.EPOLLIN, read, func() { delete(d.links, to) }); err != nil {
		d.sayf(slog.LevelWarn, kindProcess, "", "tell the %s child of BFD sessions: %v", to, err)
		return
	}
	d.links[to] = l
	var all []bfd.Verdict
	for _, s := range d.sessions {
		if s.standing.Known && s.tells(to) {
			all = append(all, s.verdict())
		}
	}
	d.tell(to, all)
}

// tells reports whether a child is to hear of a session [vrrp, checker].
func (s *session) tells(to string) bool {
	if to == "vrrp" {
		return s.VRRP
	}
	return s.Checker
}

// publish tells everybody of a session.
func (d *daemon) publish(s *session) {
	for to := range d.links {
		if s.tells(to) {
			d.tell(to, []bfd.Verdict{s.verdict()})
		}
	}
}

// tell never waits; a child that does not read its messages is hung, and the
// parent will notice. It starts anew with a new link.
func (d *daemon) tell(to string, v []bfd.Verdict) {
	if err := d.links[to].Conn().Send(ipc.Message{Kind: ipc.Sessions, Body: ipc.Marshal(v)}); err != nil {
		d.sayf(slog.LevelWarn, kindProcess, "", "tell the %s child of BFD sessions: %v", to, err)
	}
}
