package dump

import (
	"fmt"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

func or(s, d string) string {
	if s == "" {
		return d
	}
	return s
}

// global is global_defs.
func (p *printer) global() {
	g := &p.conf.Global
	p.line("------< Global definitions >------")
	p.line(" Network namespace = %s", or(g.NetNamespace, "(default)"))
	switch name := g.NetNamespaceIPVS; name {
	case "", conf.StartNamespace:
		p.line(" Network namespace ipvs = (main namespace)")
	default:
		p.line(" Network namespace ipvs = %s", name)
	}
	if g.Instance != "" {
		p.line(" Instance name = %s", g.Instance)
	}
	p.names(g)
	p.line(" Router ID = %s", g.RouterID)
	p.mail(&g.Mail)
	p.line(" Checkers log all failures = %t", g.CheckerLogAllFailures)
	if s := g.StartupScript; s != nil {
		p.line(" Startup script = %s", p.command(s))
		p.line(" Startup script timeout = %s", seconds(g.StartupTimeout))
	}
	if s := g.ShutdownScript; s != nil {
		p.line(" Shutdown script = %s", p.command(s))
		p.line(" Shutdown script timeout = %s", seconds(g.ShutdownTimeout))
	}
	p.reloads(g)
	p.line(" Dynamic interfaces = %t", g.DynamicInterfaces)
	p.timeouts(g)
	p.line(" Default interface = %s", or(g.DefaultInterface, usualInterface))
	p.line(" Disable local IGMP = %s", yes(g.DisableLocalIGMP, "yes", "no"))
	p.line(" LVS flush = %t", g.LVSFlush)
	p.line(" LVS flush on stop = %s", flushOnStop[g.LVSFlushOnStop])
	p.fifo("Global", &g.NotifyFIFO, g.NotifyFIFOScript)
	p.fifo("VRRP", &g.VRRPNotifyFIFO, g.VRRPNotifyFIFOScript)
	p.fifo("LVS", &g.LVSNotifyFIFO, g.LVSNotifyFIFOScript)
	p.line(" FIFO write vrrp states on reload = %t", g.FIFOOnReload)
	p.line(" VRRP notify priority changes = %t", g.NotifyPriority)
	p.globalVRRP(g)
	p.filters(g)
	p.process("VRRP", &g.VRRPProcess)
	p.process("Checker", &g.CheckerProcess)
	p.process("BFD", &g.BFDProcess)
	p.agents(g)
	p.line(" Script security %s", yes(g.ScriptSecurity, "enabled", "disabled"))
	if g.ScriptUser != "" || !g.ScriptSecurity { // otherwise nobody is the default
		p.line(" Default script uid:gid %s", p.ids(g.ScriptUser, g.ScriptGroup))
	}
	p.buffers(&g.Buffers)
	p.line(" rs_init_notifies = %d", yesInt(g.RSInitNotifies, 1, 0))
	p.line(" no_checker_emails = %d", yesInt(g.Mail.NoCheckers, 1, 0))
	p.received(&g.Buffers)
	if g.Umask >= 0 {
		p.line(" umask = 0%o", g.Umask)
	}
	if g.StartupDelay != 0 {
		p.line(" vrrp_startup_delay = %s", seconds(g.StartupDelay))
	}
	if g.LogUnknownVRIDs {
		p.line(" log_unknown_vrids")
	}
	if g.VMACPrefix != usualVMACPrefix {
		p.line(" VMAC prefix = %s", g.VMACPrefix)
	}
	if g.VMACAddrPrefix != "" {
		p.line(" VMAC address prefix = %s", g.VMACAddrPrefix)
	}
}

// What is said of interfaces where nothing else is [keepalived.conf(5)].
const (
	usualInterface  = "eth0"
	usualVMACPrefix = "vrrp"
)

func (p *printer) mail(m *conf.Mail) {
	if len(m.To) > 0 || m.Server != "" {
		p.line(" Smtp server = %s", or(m.Server, "127.0.0.1"))
		p.line(" Smtp server port = %d", m.Port)
	}
	if m.Helo != "" || len(m.To) > 0 {
		p.line(" Smtp HELO name = %s", or(m.Helo, p.opts.HostName))
	}
	if len(m.To) > 0 {
		p.line(" Smtp server connection timeout = %s", seconds(m.Timeout))
		p.line(" Email notification from = %s", or(m.From, "keepalived@"+p.opts.HostName))
		p.line(" Email notification to:")
		for _, to := range m.To {
			p.line("   %s", to)
		}
	}
	if m.NoFaults {
		p.line(" Send emails for fault transitions = off")
	}
	for _, c := range []struct {
		label string
		is    conf.Choice
	}{{"smtp_alert", m.Alerts}, {"smtp_alert_vrrp", m.VRRP}, {"smtp_alert_checker", m.Checker}} {
		p.line(" Default %s = %s", c.label, yes(c.is == conf.Unsaid, "unset", yes(c.is == conf.Yes, "on", "off")))
	}
}

func (p *printer) fifo(who string, f *conf.FIFO, script *conf.Command) {
	if f.Path == "" {
		return
	}
	p.line(" %s notify fifo = %s, uid:gid %s", who, f.Path, p.ids(f.User, f.Group))
	if script != nil {
		p.line(" %s notify fifo script = %s", who, p.command(script))
	}
}

func (p *printer) globalVRRP(g *conf.Global) {
	p.line(" VRRP IPv4 mcast group = %s", g.McastGroup4)
	p.line(" VRRP IPv6 mcast group = %s", g.McastGroup6)
	a := &g.GARP
	p.line(" Gratuitous ARP delay = %s", seconds(a.MasterDelay))
	p.line(" Gratuitous ARP repeat = %d", a.MasterRepeat)
	p.line(" Gratuitous ARP refresh timer = %s", seconds(a.Refresh))
	p.line(" Gratuitous ARP refresh repeat = %d", a.RefreshRepeat)
	p.line(" Gratuitous ARP lower priority delay = %s", seconds(a.LowerPrioDelay))
	p.line(" Gratuitous ARP lower priority repeat = %d", a.LowerPrioRepeat)
	p.line(" Num adverts before down = %d", g.DownTimerAdverts)
	p.line(" Gratuitous ARP for each secondary %s = %ss", yes(a.ExtraAll, "i/f", "VMAC"), seconds(a.Extra))
	p.line(" Send advert after receive lower priority advert = %t", !g.LowerPrioNoAdvert)
	p.line(" Send advert after receive higher priority advert = %t", g.HigherPrioSendAdvert)
	p.line(" Gratuitous ARP interval = %s", six(a.Interval))
	p.line(" Gratuitous NA interval = %s", six(a.GNAInterval))
	p.line(" VRRP default protocol version = %d", g.VRRPVersion)
}

func six(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }

// Parent is keepalived_parent.data: the parent has read nothing else.
func Parent(c *conf.Config, o *Options) []byte {
	p := &printer{conf: c, opts: o}
	p.global()
	return []byte(p.String())
}

// flushOnStop is keepalived's word for each.
var flushOnStop = [...]string{conf.FlushNothing: "disabled", conf.FlushAll: "full", conf.FlushServices: "VS"}
