package outletd

import (
	"log/slog"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/files"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// read makes a configuration out of a snapshot. It may take its time and does
// not run on the loop.
func read(snapshot []byte, boot ipc.BootInfo) (build.Outlet, error) {
	c, err := files.LoadSnapshot(snapshot, boot.ConfigFile, boot.ConfigID)
	if err != nil {
		return build.Outlet{}, err
	}
	c.Global.SNMP.Options(boot.SNMP, boot.AgentX)
	return build.FromOutlet(c), nil
}

func (d *daemon) reload(next build.Outlet) {
	if d.stopping {
		return
	}
	d.adopt(next)
	d.say(slog.LevelInfo, kindConfig, "", "Configuration reloaded")
}

// adopt makes a configuration the running one: a start is a reload from nothing.
func (d *daemon) adopt(next build.Outlet) {
	d.cfg = next
	d.equip()
}
