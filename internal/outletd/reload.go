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

// reload reads a new snapshot beside the loop. Reloads come one after the
// other; the parent waits for each.
func (d *daemon) reload(fd int) {
	d.hands.Go(func() {
		d.reading.Lock() // never by the loop
		defer d.reading.Unlock()
		var next build.Outlet
		data, err := ipc.Take(fd)
		if err == nil {
			next, err = read(data, d.boot)
		}
		d.loop.Post(func() { d.reloaded(next, err) })
	})
}

func (d *daemon) reloaded(next build.Outlet, err error) {
	if d.stopping {
		return
	}
	answer := ipc.Message{Kind: ipc.Reloaded}
	if err != nil {
		answer.Error = err.Error()
	} else {
		d.adopt(next)
		d.say(slog.LevelInfo, kindConfig, "", "Configuration reloaded")
	}
	_ = d.conn.Send(answer)
}

// adopt makes a configuration the running one: a start is a reload from nothing.
func (d *daemon) adopt(next build.Outlet) {
	d.cfg = next
	d.equip()
}
