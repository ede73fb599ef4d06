package build

import "github.com/holdfast-ha/holdfast/internal/conf"

// Outlet is all that the outlet daemon does with one configuration.
type Outlet struct {
	DBus DBus
	SNMP SNMP
}

// SNMP says what is served over SNMP; it tells of the whole configuration.
type SNMP struct {
	conf.SNMP
	Conf *conf.Config
}

// DBus says how D-Bus is served.
type DBus struct {
	Enable      bool
	Service     string // the bus name
	NoInterface string // stands for the interface of an instance without one
}

// What dbus_service_name and dbus_no_interface_name are by default
// (keepalived.conf(5)).
const (
	DBusService     = "org.keepalived.Vrrp1"
	DBusNoInterface = "none"
)

// FromOutlet builds what the outlet daemon needs.
func FromOutlet(c *conf.Config) Outlet {
	d := DBus(c.Global.DBus)
	if d.Service == "" {
		d.Service = DBusService
	}
	if d.NoInterface == "" {
		d.NoInterface = DBusNoInterface
	}
	return Outlet{DBus: d, SNMP: SNMP{c.Global.SNMP, c}}
}

// Needed reports whether there is anything for an outlet daemon to do.
func (o *Outlet) Needed() bool { return o.DBus.Enable || o.SNMP.Any() }
