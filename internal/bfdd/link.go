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
	d.unlink(to)
	c := ipc.FromFD(fd)
	d.links[to] = c
	if err := d.loop.Watch(fd, unix.EPOLLIN, func(uint32) {
		// It says nothing; what there is to read is its end.
		if c.ReadReady(func(ipc.Message, []int) {}) != nil {
			d.unlink(to)
		}
	}); err != nil {
		d.say(slog.LevelWarn, kindProcess, "", "", err.Error())
	}
	var all []bfd.Verdict
	for _, s := range d.sessions {
		if s.standing.Known && s.tells(to) {
			all = append(all, s.verdict())
		}
	}
	d.tell(to, all)
}

func (d *daemon) unlink(to string) {
	if c := d.links[to]; c != nil {
		d.loop.Unwatch(c.Fd())
		_ = c.Close()
		delete(d.links, to)
	}
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
	if err := d.links[to].Send(ipc.Message{Kind: ipc.Sessions, Body: ipc.Marshal(v)}); err != nil {
		d.sayf(slog.LevelWarn, kindProcess, "", "tell the %s child of BFD sessions: %v", to, err)
	}
}
