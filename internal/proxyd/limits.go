package proxyd

import (
	"fmt"
	"log/slog"

	"github.com/holdfast-ha/holdfast/internal/lvs"
	"github.com/holdfast-ha/holdfast/internal/proc"
)

// limits are how many of each there may be; files are the descriptors that it
// goes by, 0 if there are enough.
type limits struct{ conns, sessions, pipes, files int }

// share divides the descriptors that the process may have, with those for so
// many connections, as far as there are any: two for each connection and each
// pipe, one for each session.
func share(conns int) limits {
	all := limits{conns: conns, sessions: maxSessions, pipes: maxPipes}
	enough := 2*(all.conns+all.pipes) + all.sessions + spareFiles
	if have := proc.Descriptors(enough); have < enough {
		return shareOf(max(have, minFiles), conns)
	}
	return all
}

// shareOf divides so many descriptors where they are too few.
func shareOf(files, conns int) limits {
	l := limits{sessions: min(maxSessions, files/4), pipes: min(maxPipes, files/16), files: files}
	spare := min(spareFiles, files/4)
	l.conns = min(conns, (files-spare-l.sessions-2*l.pipes)/2)
	return l
}

// minFiles is what we reckon with at least, in descriptors.
const minFiles = 64

// SetLimit sets how many TCP connections there may be at once, of all services;
// 0: as many as there are descriptors for, 100,000 at most. Those that there
// are stay. What the process may not have is told.
func (b *Balancer) SetLimit(conns int) {
	level := slog.LevelWarn
	if conns <= 0 { // nobody asked for so many
		conns, level = defaultConnections, slog.LevelInfo
	}
	was := b.limit
	b.limit = share(min(conns, maxConnections))
	b.conns.place.set(b.limit.conns)
	if l := b.limit; l.conns < conns && (l != was || !b.told) {
		b.told = true
		b.notice(lvs.ServiceKey{}, level, fmt.Sprintf("At most %d connections at once instead of %d: this process may have %d descriptors only (LimitNOFILE of systemd, ulimit -Hn)", l.conns, conns, l.files))
	}
}

// sayFull tells once that the limit is reached, and again only after it was
// well below meanwhile.
func (b *Balancer) sayFull() {
	switch full := b.conns.full.Swap(false); {
	case full && !b.said:
		b.said = true
		b.notice(lvs.ServiceKey{}, slog.LevelWarn, fmt.Sprintf("All %d connections are in use: clients wait until one ends (proxy_max_connections of global_defs)", b.limit.conns))
	case !full && b.conns.place.inside() < b.limit.conns-b.limit.conns/4:
		b.said = false
	}
}
