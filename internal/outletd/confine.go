package outletd

import (
	"log/slog"

	"github.com/holdfast-ha/holdfast/internal/proc"
)

// confine gives up all capabilities: what comes from a bus is parsed by a
// process that may do nothing. The user stays, for buses and agents go by it.
func (d *daemon) confine() {
	if err := proc.Confine(0); err != nil {
		d.say(slog.LevelWarn, kindProcess, "", err.Error())
	}
}
