package outletd

import (
	"log/slog"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/notify/dbus"
)

const wayDBus = "dbus"

// dbusWay is D-Bus as it was configured.
type dbusWay struct {
	*dbus.Outlet
	cfg build.DBus
}

// equipDBus makes D-Bus what the configuration wants of it.
func (d *daemon) equipDBus() {
	was, there := d.ways[wayDBus].(dbusWay)
	if there && was.cfg == d.cfg.DBus {
		return
	}
	d.shut(wayDBus)
	if !d.cfg.DBus.Enable {
		return
	}
	d.open(wayDBus, dbusWay{dbus.New(dbus.Options{
		Service: d.cfg.DBus.Service, NoInterface: d.cfg.DBus.NoInterface,
		NetNS: d.boot.NetNS, Instance: d.boot.Instance,
		Asked: func(q dbus.Request) { d.loop.Post(func() { d.askedOverDBus(q) }) },
		Told:  func(level slog.Level, what string) { d.say(level, kindNotify, "", what) },
	}), d.cfg.DBus})
}

// askedOverDBus does what somebody called a method for; who may is the bus's to
// say.
func (d *daemon) askedOverDBus(q dbus.Request) {
	if d.stopping {
		return
	}
	switch q.Method {
	case dbus.SendGarp:
		d.garp(q.Instance)
	case dbus.PrintData:
		d.say(slog.LevelInfo, kindNotify, "", "Printing VRRP data on DBus request")
		d.wish(ipc.WishData)
	case dbus.PrintStats:
		d.say(slog.LevelInfo, kindNotify, "", "Printing VRRP stats on DBus request")
		d.wish(ipc.WishStats)
	case dbus.PrintStatsClear:
		d.say(slog.LevelInfo, kindNotify, "", "Printing and clearing VRRP stats on DBus request")
		d.wish(ipc.WishClear)
	case dbus.ReloadConfig:
		d.wish(ipc.WishReload)
	}
}
