package proxyd

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lvs"
	"golang.org/x/sys/unix"
)

// shortagePause is how long the log is silent about a shortage that lasts.
const shortagePause = time.Minute

// shortages are what a machine may be out of when a client comes, and what
// would help.
var shortages = [...]struct {
	errnos []unix.Errno
	what   string
}{
	{[]unix.Errno{unix.EMFILE}, "this process has no descriptor left (LimitNOFILE of systemd, ulimit -Hn; or a lower proxy_max_connections of global_defs)"},
	{[]unix.Errno{unix.ENFILE}, "the machine has no descriptor left (sysctl fs.file-max)"},
	{[]unix.Errno{unix.ENOMEM, unix.ENOBUFS}, "the kernel has no memory for sockets (sysctl net.ipv4.tcp_mem; the memory of the service's control group)"},
	{[]unix.Errno{unix.EADDRNOTAVAIL}, "no local port is left towards a server (sysctl net.ipv4.ip_local_port_range; more servers, or proxy_max_connections for the service)"},
}

// shortage counts what was missing.
type shortage struct {
	missed [len(shortages)]atomic.Uint64
	// What the log has said is the loop's.
	told [len(shortages)]uint64
	when [len(shortages)]time.Time
}

// note counts err and reports true if it is a shortage.
func (s *shortage) note(err error) bool {
	for i, kind := range shortages {
		for _, errno := range kind.errnos {
			if errors.Is(err, errno) {
				s.missed[i].Add(1)
				return true
			}
		}
	}
	return false
}

// sayShort tells of what was missing, at once and then once in a while.
func (b *Balancer) sayShort() {
	s, now := &b.conns.short, b.now()
	for i, kind := range shortages {
		n := s.missed[i].Load()
		if n == s.told[i] || !s.when[i].IsZero() && now.Sub(s.when[i]) < shortagePause {
			continue
		}
		b.notice(lvs.ServiceKey{}, slog.LevelWarn, fmt.Sprintf("Clients wait or are sent away: %s; %d attempts failed since this was last said", kind.what, n-s.told[i]))
		s.told[i], s.when[i] = n, now
	}
}

// lacks notes that a connection could not be accepted or made because
// something was missing, if that was the reason.
func (p *pool) lacks(err error) {
	if p.short.note(err) {
		p.starved.Add(1)
	}
}
