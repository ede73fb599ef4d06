package build

import (
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// FIFO is a named pipe that gets lines, whose it is if we make it, and the
// program that reads it.
type FIFO struct {
	Path        string
	User, Group string
	Reader      *Program // nil: somebody else reads it
}

// fifo appends a pipe, unless it has no name.
func fifo(list []FIFO, g *conf.Global, f conf.FIFO, reader *conf.Command) []FIFO {
	if f.Path == "" {
		return list
	}
	if f.User == "" {
		f.User, f.Group = g.ScriptUser, g.ScriptGroup
	}
	return append(list, FIFO{f.Path, f.User, f.Group, program(g, reader)})
}

// Mail is where mail goes, and whom it is from.
type Mail struct {
	To       []string
	From     string // empty: keepalived at this host
	Server   string // an address or a name
	Port     int
	Helo     string // empty: this host's name
	Timeout  time.Duration
	RouterID string // begins each subject
	// NoFaults: none about the state FAULT. NoCheckers: none about a checker's
	// verdict that changes nothing for its server.
	NoFaults, NoCheckers bool
}

// mail is nil if nobody gets any.
func mail(g *conf.Global) *Mail {
	m := &g.Mail
	if len(m.To) == 0 {
		return nil
	}
	return &Mail{
		To: m.To, From: m.From, Server: m.Server, Port: m.Port, Helo: m.Helo, Timeout: m.Timeout,
		RouterID: g.RouterID, NoFaults: m.NoFaults, NoCheckers: m.NoCheckers,
	}
}
