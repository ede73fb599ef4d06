package dump

import (
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// names are those of the processes, where they are not the program's.
func (p *printer) names(g *conf.Global) {
	usual := func(name string) string { return yes(g.ProcessNames, name, "") }
	for _, c := range [...]struct{ who, name string }{
		{"Parent", or(g.ProcessName, usual("keepalived"))},
		{"VRRP", or(g.VRRPProcess.Name, usual("keepalived_vrrp"))},
		{"LVS", or(g.CheckerProcess.Name, usual("keepalived_ipvs"))},
		{"BFD", or(g.BFDProcess.Name, usual("keepalived_bfd"))},
	} {
		if c.name != "" {
			p.line(" %s process name = %s", c.who, c.name)
		}
	}
}

// reloads is what comes with a reload, and when there is one unasked.
func (p *printer) reloads(g *conf.Global) {
	r := &g.Reloads
	switch {
	case !r.Check:
		p.line(" No test config before reload")
	default:
		p.line(" Test config before reload, log to %s", or(r.CheckLog, "the log"))
	}
	if r.TimeFile != "" {
		p.line(" Reload time file = %s%s", r.TimeFile, yes(r.Repeat, " (repeat)", ""))
	}
	if r.File != "" {
		p.line(" Reload_file = %s", r.File)
	}
	if g.DataUseInstance {
		p.line(" Use instance name in data dumps")
	}
}

func (p *printer) timeouts(g *conf.Global) {
	t := &g.LVSTimeouts
	for _, c := range [...]struct {
		what string
		secs float64
	}{{"TCP", t.TCP.Seconds()}, {"TCP FIN", t.TCPFin.Seconds()}, {"UDP", t.UDP.Seconds()}} {
		if c.secs != 0 {
			p.line(" LVS %s timeout = %g", c.what, c.secs)
		}
	}
}

// filters is what nftables gets, and when the priority of processes is raised.
func (p *printer) filters(g *conf.Global) {
	f := &g.Firewall
	if slices.ContainsFunc(p.conf.Instances, filtered) {
		p.line(" nftables table name = %s", f.Table)
		p.line(" nftables base chain priority = %d", f.Priority)
		p.line(" nftables %sforce use ifindex for link local IPv6", yes(f.Ifindex, "", "don't "))
		p.line(" nftables with%s counters", yes(f.Counters, "", "out"))
	}
	p.line(" VRRP skip check advert addresses = %t", g.SkipCheckAddr)
	p.line(" VRRP strict mode = %t", g.Strict)
	if m := &g.Marking; m.Table != "" {
		p.line(" ipvs nftables table name = %s", m.Table)
		p.line(" ipvs nftables base chain priority = %d", m.Priority)
		p.line(" ipvs nftables start fwmark = %d", m.First)
	}
	most := fmt.Sprint(g.MaxAutoPriority)
	p.line(" Max auto priority = %s", yes(g.MaxAutoPriority < 0, "Disabled", most))
	p.line(" Min auto priority delay = %d usecs", g.AutoPriorityDelay.Microseconds())
}

// filtered reports whether an instance needs nftables: its VMAC must keep quiet,
// or its addresses take nothing.
func filtered(i *conf.VRRPInstance) bool {
	return !i.Accept || i.VMACAddr || i.VMAC != nil && !i.VMAC.IPVLAN
}

// usualRTTime is how long a real-time process of keepalived's may run without a
// pause where nothing is said, in microseconds.
const usualRTTime = 10000

func (p *printer) process(who string, c *conf.Process) {
	p.line(" %s process priority = %d", who, c.Nice)
	p.line(" %s don't swap = %t", who, c.NoSwap)
	p.line(" %s realtime priority = %d", who, c.RTPriority)
	if len(c.CPUs) > 0 {
		p.line(" %s CPU Affinity =  %s ", who, strings.Trim(fmt.Sprint(c.CPUs), "[]"))
	}
	p.line(" %s realtime limit = %d", who, yesInt(c.RTTime == 0, usualRTTime, int(c.RTTime.Microseconds())))
}

// agents are those who speak to the world.
func (p *printer) agents(g *conf.Global) {
	s := &g.SNMP
	for _, c := range [...]struct {
		what string
		is   bool
	}{{"vrrp", s.VRRP}, {"checker", s.Checker}, {"RFCv2", s.RFCv2}, {"RFCv3", s.RFCv3}, {"traps", s.Traps}} {
		p.line(" SNMP %s %s", c.what, onOff(c.is))
	}
	p.line(" SNMP socket = %s", or(s.Socket, "default (unix:"+conf.DefaultAgentX+")"))
	p.line(" DBus %s", onOff(g.DBus.Enable))
	p.line(" DBus service name = %s", g.DBus.Service)
}

// buffers are those of netlink sockets.
func (p *printer) buffers(b *conf.Buffers) {
	for _, c := range [...]struct {
		name string
		is   conf.Buffer
	}{
		{"vrrp_netlink_cmd", b.VRRPCommand}, {"vrrp_netlink_monitor", b.VRRPMonitor},
		{"process_monitor", b.ProcessMonitor}, {"lvs_netlink_monitor", b.LVSMonitor},
	} {
		p.line(" %s_rcv_bufs = %d", c.name, c.is.Bytes)
		p.line(" %s_rcv_bufs_force = %d", c.name, yesInt(c.is.Force, 1, 0))
	}
}

// received are the buffers for adverts.
func (p *printer) received(b *conf.Buffers) {
	switch b.Policy {
	case "":
	case conf.RxBytes:
		p.line(" rx_bufs_size = %d", b.Bytes)
	default:
		p.line(" rx_bufs_policy = %s", b.Policy)
	}
	p.line(" rx_bufs_multiples = %d", b.Multiplier)
}

// garpGroups are interfaces that share the pace of their announcements.
func (p *printer) garpGroups() {
	if len(p.conf.GARPGroups) == 0 {
		return
	}
	p.line("------< Gratuitous ARP delays >------")
	for i, g := range p.conf.GARPGroups {
		p.line("------< GARP delay group %d >------", i+1)
		if g.ARP != 0 {
			p.line(" GARP interval = %s", seconds(g.ARP))
		}
		if g.NA != 0 {
			p.line(" GNA interval = %s", seconds(g.NA))
		}
		p.line(" Interfaces")
		for _, name := range g.Interfaces {
			p.line("  %s", name)
		}
	}
}
