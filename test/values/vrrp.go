package values

import (
	"fmt"
	"net/netip"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// UnseenVRRP are fields of state rather than of configuration, or of what
// conf.Config does not keep.
var UnseenVRRP = []string{
	"State", "Master router", "Master priority", "Master advert int", "Flags", "Number of", "Last transition", "Read timeout",
	"Master down timer", "Using src_ip", "Effective priority", "Total priority", "Master advert interval", "fd_in",
	"Notify deleted", "Notify priority changes", "Unicast checksum compatibility", "Unicast TTL",
	"Result", "Insecure", "Init state", "Status", "VRRP instances", "Tracking instances", "Num member", "Additional",
}

// VRRP says of a configuration what keepalived does of its VRRP part.
func VRRP(c *conf.Config) []Object {
	out := append(global(&c.Global), static(c)...)
	for _, i := range c.Instances {
		out = append(out, instance(c, i))
	}
	for _, s := range c.Scripts {
		if used(c, s.Name) {
			out = append(out, script(c, s))
		}
	}
	for _, g := range c.Groups {
		out = append(out, group(c, g))
	}
	return out
}

// global is what there is of global_defs; keepalived says it one a line.
func global(g *conf.Global) []Object {
	var out []Object
	add := func(label string, v any) { out = append(out, Object{Kind: label, Name: fmt.Sprint(v)}) }
	add("Router ID", g.RouterID)
	add("Dynamic interfaces", g.DynamicInterfaces)
	add("VRRP IPv4 mcast group", g.McastGroup4)
	add("VRRP IPv6 mcast group", g.McastGroup6)
	add("Gratuitous ARP delay", g.GARP.MasterDelay.Seconds())
	add("Gratuitous ARP repeat", g.GARP.MasterRepeat)
	add("Gratuitous ARP refresh timer", g.GARP.Refresh.Seconds())
	add("Gratuitous ARP refresh repeat", g.GARP.RefreshRepeat)
	add("Gratuitous ARP lower priority delay", g.GARP.LowerPrioDelay.Seconds())
	add("Gratuitous ARP lower priority repeat", g.GARP.LowerPrioRepeat)
	add("Gratuitous ARP interval", fmt.Sprintf("%.6f", g.GARP.Interval.Seconds()))
	add("Gratuitous NA interval", fmt.Sprintf("%.6f", g.GARP.GNAInterval.Seconds()))
	add("Num adverts before down", g.DownTimerAdverts)
	add("Send advert after receive lower priority advert", !g.LowerPrioNoAdvert)
	add("Send advert after receive higher priority advert", g.HigherPrioSendAdvert)
	add("VRRP default protocol version", g.VRRPVersion)
	add("VRRP skip check advert addresses", g.SkipCheckAddr)
	add("VRRP strict mode", g.Strict)
	add("VRRP don't swap", g.VRRPProcess.NoSwap)
	add("VRRP realtime priority", g.VRRPProcess.RTPriority)
	add("Checker realtime priority", g.CheckerProcess.RTPriority)
	add("Checkers log all failures", g.CheckerLogAllFailures)
	add("LVS flush", g.LVSFlush)
	if g.StartupDelay != 0 {
		add("vrrp_startup_delay", seconds(g.StartupDelay))
	}
	return out
}

// static are addresses, routes and rules that are there whatever the state.
func static(c *conf.Config) []Object {
	var out []Object
	section := func(name string, lines []string) {
		if len(lines) > 0 {
			out = append(out, Object{Kind: "Static " + name, Fields: []Field{{Values: lines}}})
		}
	}
	section("Addresses", addresses(nil, c.StaticAddresses))
	section("Routes", routes(c.StaticRoutes))
	section("Rules", routes(c.StaticRules))
	return out
}

func yes(b bool, t, f string) string {
	if b {
		return t
	}
	return f
}

func seconds(d time.Duration) string { return fmt.Sprint(d.Seconds()) }

func instance(c *conf.Config, i *conf.VRRPInstance) Object {
	o := Object{Kind: "VRRP Instance", Name: i.Name}
	o.add("VRRP Version", fmt.Sprint(i.Version))
	if i.Family == 6 {
		o.add("Using Native IPv6")
	}
	in := groupOf(c, i.Name)
	if in != nil {
		o.add("Sync group", in.Name)
	}
	o.add("Wantstate", yes(i.StateMaster, "MASTER", "BACKUP"))
	o.add("Interface", i.Interface)
	if i.DontTrackPrimary {
		o.add("VRRP interface tracking disabled")
	}
	if i.SkipCheckAddr {
		o.add("Skip checking advert IP addresses")
	}
	if i.Strict {
		o.add("Enforcing strict VRRP compliance")
	}
	if i.SrcIP.IsValid() {
		o.add("Using src_ip", i.SrcIP.String()+" (from configuration)")
	}
	if !i.Unicast {
		label := "Multicast address " + i.McastDst.String()
		if i.Family == 6 {
			label += ", ifindex 3" // e0 in the test's namespace
		}
		o.add(label)
	}
	g := i.GARP
	o.add("Gratuitous ARP delay", seconds(g.MasterDelay))
	o.add("Gratuitous ARP repeat", fmt.Sprint(g.MasterRepeat))
	o.add("Gratuitous ARP refresh", seconds(g.Refresh))
	o.add("Gratuitous ARP refresh repeat", fmt.Sprint(g.RefreshRepeat))
	o.add("Gratuitous ARP lower priority delay", seconds(g.LowerPrioDelay))
	o.add("Gratuitous ARP lower priority repeat", fmt.Sprint(g.LowerPrioRepeat))
	o.add("Down timer adverts", fmt.Sprint(i.DownTimerAdverts))
	o.add("Send advert after receive lower priority advert", fmt.Sprint(!i.LowerPrioNoAdvert))
	o.add("Send advert after receive higher priority advert", fmt.Sprint(i.HigherPrioSendAdvert))
	o.add("Virtual Router ID", fmt.Sprint(i.VRID))
	o.add("Priority", fmt.Sprint(i.Priority))
	if i.Version == 3 {
		o.add("Advert interval", fmt.Sprintf("%d milli-sec", i.AdvertInt.Milliseconds()))
	} else {
		o.add("Advert interval", seconds(i.AdvertInt)+" sec")
	}
	o.add("Accept", yes(i.Accept, "enabled", "disabled"))
	o.add("Preempt", yes(i.NoPreempt, "disabled", "enabled"))
	if i.PreemptDelay != 0 {
		o.add("Preempt delay", seconds(i.PreemptDelay)+" secs")
	}
	o.add("Promote_secondaries", yes(i.PromoteSecondaries, "enabled", "disabled"))
	o.auth(i)
	o.where(i)
	o.tracks(c, i.TrackIfaces, i.TrackScripts, in != nil && !in.TrackingWeight, i)
	o.add("Using smtp notification", yes(i.SMTPAlert.Or(c.Global.Mail.MailVRRP()), "yes", "no"))
	o.notify(c, &i.Notify)
	return o
}

func (o *Object) auth(i *conf.VRRPInstance) {
	switch {
	case i.AuthType == "PASS":
		o.add("Authentication type", "SIMPLE_PASSWORD")
		o.add("Password", i.AuthPass)
	case i.AuthType == "AH":
		o.add("Authentication type", "IPSEC_AH")
	case i.Version == 2:
		o.add("Authentication type", "none")
	}
}

// where are the addresses, routes and peers.
func (o *Object) where(i *conf.VRRPInstance) {
	if n := len(i.Addresses); n > 0 {
		o.add(fmt.Sprintf("Virtual IP (%d)", n), addresses(i, i.Addresses)...)
	}
	if len(i.Excluded) > 0 {
		o.add("Virtual IP Excluded", addresses(i, i.Excluded)...)
	}
	if len(i.Routes) > 0 {
		o.add("Virtual Routes", routes(i.Routes)...)
	}
	if len(i.Rules) > 0 {
		o.add("Virtual Rules", routes(i.Rules)...)
	}
	if !i.Unicast {
		return
	}
	var peers []string
	for _, p := range i.Peers {
		limits := []int{p.MinTTL, p.MaxTTL}
		if limits[0] < 0 {
			limits[0] = 0
		}
		if limits[1] < 0 {
			limits[1] = 255
		}
		peers = append(peers, fmt.Sprintf("%s min_ttl %d max_ttl %d", p.Addr, limits[0], limits[1]))
	}
	o.add("Unicast Peer", peers...)
	o.add("Check unicast src : " + yes(i.CheckUnicastSrc, "yes", "no"))
	if i.UnicastTTL >= 0 {
		o.add("Unicast TTL", fmt.Sprint(i.UnicastTTL))
	}
}

func addresses(i *conf.VRRPInstance, list []conf.Address) []string {
	var out []string
	for _, a := range list {
		s := a.Prefix.String()
		if a.Prefix.IsSingleIP() {
			s = a.Prefix.Addr().String()
		}
		switch {
		case a.Broadcast.IsValid():
			s += " brd " + a.Broadcast.String()
		case slices.Contains(a.Options, "brd +"):
			s += " brd " + lastOf(a.Prefix).String()
		}
		dev, scope := a.Dev, a.Scope
		if dev == "" && i != nil {
			dev = i.Interface
		}
		if scope == "" {
			scope = "global"
		}
		s += " dev " + dev + " scope " + scope
		if a.Label != "" {
			s += " label " + a.Label
		}
		out = append(out, s)
	}
	return out
}

// lastOf is the last address of an IPv4 network.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b)
}

func routes(list []conf.Route) []string {
	var out []string
	for _, r := range list {
		out = append(out, sorted(strings.Join(r.Words, " ")))
	}
	return out
}

// sorted puts the words of a route into an order; keepalived has its own.
func sorted(route string) string {
	w := strings.Fields(route)
	slices.Sort(w)
	return strings.Join(w, " ")
}

// tracks are what is tracked. In a group without weights nothing weighs, and
// an instance's own interface is tracked without being listed.
func (o *Object) tracks(c *conf.Config, ifaces, scripts []conf.Track, weightless bool, i *conf.VRRPInstance) {
	var list []string
	for _, t := range ifaces {
		if i != nil && t.Name == i.Interface && t.Weight == 0 {
			continue
		}
		list = append(list, weighed(t.Name, t.Weight, t.Reverse, weightless))
	}
	if len(list) > 0 {
		o.add("Tracked interfaces", list...)
	}
	list = nil
	for _, t := range scripts {
		w, r := t.Weight, t.Reverse
		if s := scriptOf(c, t.Name); s != nil && !t.WeightSet {
			w, r = s.Weight, s.Reverse
		}
		if !weightless || w == 0 {
			list = append(list, weighed(t.Name, w, r, weightless))
		}
	}
	if len(list) > 0 {
		o.add("Tracked scripts", list...)
	}
}

func weighed(name string, weight int, reverse, weightless bool) string {
	if weightless {
		weight = 0
	}
	return fmt.Sprintf("%s weight %d%s", name, weight, yes(reverse && !weightless, " reverse", ""))
}

func (o *Object) notify(c *conf.Config, n *conf.Notify) {
	for _, s := range []struct {
		label string
		cmd   *conf.Command
	}{{"Backup", n.Backup}, {"Master", n.Master}, {"Fault", n.Fault}, {"Stop", n.Stop}, {"Deleted", n.Deleted}, {"Generic", n.Any}, {"Master rx lower pri", n.MasterRxLowerPri}} {
		if s.cmd != nil {
			o.add(s.label+" state transition script", quoted(s.cmd.Argv)+", uid:gid "+ids(c, s.cmd))
		}
	}
}

func quoted(argv []string) string { return "'" + strings.Join(argv, "' '") + "'" }

// ids are the numbers of whoever a command runs as.
func ids(c *conf.Config, cmd *conf.Command) string {
	name, grp := cmd.User, cmd.Group
	if name == "" {
		name, grp = c.Global.ScriptUser, c.Global.ScriptGroup
	}
	if name == "" {
		name = "root"
	}
	u, err := user.Lookup(name)
	if err != nil {
		return err.Error()
	}
	gid := u.Gid
	if grp != "" {
		g, err := user.LookupGroup(grp)
		if err != nil {
			return err.Error()
		}
		gid = g.Gid
	}
	return u.Uid + ":" + gid
}

func script(c *conf.Config, s *conf.VRRPScript) Object {
	o := Object{Kind: "VRRP Script", Name: s.Name}
	o.add("Command", quoted(s.Command.Argv))
	o.add("Interval", seconds(s.Interval)+" sec")
	timeout := s.Timeout
	if timeout == s.Interval {
		timeout = 0 // how keepalived says that it is not set
	}
	o.add("Timeout", seconds(timeout)+" sec")
	o.add("Weight", fmt.Sprintf("%d%s", s.Weight, yes(s.Reverse, " reverse", "")))
	o.add("Rise", fmt.Sprint(s.Rise))
	o.add("Fall", fmt.Sprint(s.Fall))
	o.add("Script uid:gid", ids(c, &s.Command))
	return o
}

func group(c *conf.Config, g *conf.SyncGroup) Object {
	o := Object{Kind: "VRRP Sync Group", Name: g.Name}
	o.add("VRRP member instances", g.Members...)
	if g.TrackingWeight {
		o.add("sync group tracking weight set")
	}
	o.tracks(c, g.TrackIfaces, g.TrackScripts, false, nil)
	o.add("Using smtp notification", yes(g.SMTPAlert.Or(c.Global.Mail.MailVRRP()), "yes", "no"))
	o.notify(c, &g.Notify)
	return o
}

func groupOf(c *conf.Config, instance string) *conf.SyncGroup {
	for _, g := range c.Groups {
		for _, m := range g.Members {
			if m == instance {
				return g
			}
		}
	}
	return nil
}

func scriptOf(c *conf.Config, name string) *conf.VRRPScript {
	for _, s := range c.Scripts {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// used reports whether somebody tracks a script; keepalived drops the others.
func used(c *conf.Config, name string) bool {
	lists := [][]conf.Track{}
	for _, i := range c.Instances {
		lists = append(lists, i.TrackScripts)
	}
	for _, g := range c.Groups {
		lists = append(lists, g.TrackScripts)
	}
	for _, l := range lists {
		for _, t := range l {
			if t.Name == name {
				return true
			}
		}
	}
	return false
}
