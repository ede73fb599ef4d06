package checkd

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// reader is a director that can tell of services that it was not told yet.
type reader interface {
	ReadAll(ctx context.Context) (lvs.Table, error)
}

// inherit looks, when a checker died and we are its successor, at what it left
// in the director, so that no server which it had taken out comes back before
// it is checked.
func (d *daemon) inherit() {
	if d.boot.Restarts == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(d.alive, setPatience)
	defer cancel()
	read := d.writer.dir.Read
	if r, ok := d.writer.dir.(reader); ok {
		read = r.ReadAll
	}
	table, err := read(ctx)
	if err != nil {
		d.tell(record{level: slog.LevelWarn, kind: "director",
			what: fmt.Sprintf("read what the checker before us left: %v; all servers start as at a first start", err)})
		return
	}
	d.found = table
}

// wasOut reports whether a predecessor had taken a server out.
func (d *daemon) wasOut(p *pool, s *lvs.ServerConfig) bool {
	for _, k := range p.plan.offered(p.mark) {
		service, there := d.found[k]
		if !there {
			continue
		}
		have, in := service.Servers[director.CanonicalServer(k, s.Key, s.Server.Forward)]
		return !in || have.Reset || s.Inhibit && have.Weight == 0 && s.Server.Weight > 0
	}
	return false
}
