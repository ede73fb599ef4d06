package dump

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// JSON is keepalived.json, of json_version 1 or 2, with keepalived's names in
// keepalived's order.
func JSON(c *conf.Config, s *VRRP) []byte {
	var all []string
	p := &printer{conf: c}
	for _, i := range c.Instances {
		if r := find(s.Routers, i.Name, func(r *Router) string { return r.Name }); r != nil {
			all = append(all, "{\"data\":"+p.json(i, r).String()+",\"stats\":"+r.jsonStats().String()+"}")
		}
	}
	out := "[" + strings.Join(all, ",") + "]"
	if c.Global.JSONVersion == 2 {
		out = "{\"vrrp\":" + out + ",\"track_process\":[" + strings.Join(p.jsonProcesses(s), ",") + "]}"
	}
	return []byte(out + "\n")
}

// object is a JSON object whose members keep their order.
type object []string

func (o object) String() string { return "{" + strings.Join(o, ",") + "}" }

func (o *object) raw(name, value string) { *o = append(*o, fmt.Sprintf("%q:%s", name, value)) }

// add is a value as encoding/json has it, but for slashes, before which
// keepalived has a backslash.
func (o *object) add(name string, value any) {
	b, err := json.Marshal(value)
	if err != nil {
		panic("dump: " + err.Error())
	}
	o.raw(name, strings.ReplaceAll(string(b), "/", `\/`))
}

// flag is a number that says yes or no.
func (o *object) flag(name string, v bool) { o.raw(name, yes(v, "1", "0")) }

// list is left out when empty.
func (o *object) list(name string, lines []string) {
	if len(lines) > 0 {
		o.add(name, lines)
	}
}

func stateNumbers(state string) int {
	switch state {
	case "INIT":
		return 0
	case "BACKUP":
		return 1
	case "MASTER":
		return 2
	case "FAULT":
		return 3
	}
	return 0
}

func (p *printer) json(i *conf.VRRPInstance, r *Router) object {
	var o object
	o.add("iname", i.Name)
	o.flag("dont_track_primary", i.DontTrackPrimary)
	o.flag("skip_check_adv_addr", i.SkipCheckAddr)
	o.flag("strict_mode", i.Strict)
	o.add("vmac_ifname", r.VMAC)
	o.add("ifp_ifname", or(r.VMAC, r.Interface))
	o.add("master_priority", r.MasterPrio)
	o.raw("last_transition", fmt.Sprintf("%d.%06d", r.Since.Unix(), r.Since.Nanosecond()/1000))
	o.garp(&i.GARP)
	o.flag("lower_prio_no_advert", i.LowerPrioNoAdvert)
	o.flag("higher_prio_send_advert", i.HigherPrioSendAdvert)
	o.add("vrid", i.VRID)
	base, preempt := basis(i, r)
	o.add("base_priority", base)
	o.add("effective_priority", r.Priority)
	o.add("vipset", r.Addresses)
	o.add("promote_secondaries", i.PromoteSecondaries)
	o.add("adver_int", i.AdvertInt.Seconds())
	o.add("master_adver_int", r.MasterEvery.Seconds())
	o.flag("accept", i.Accept)
	o.add("nopreempt", !preempt)
	o.add("preempt_delay", i.PreemptDelay.Seconds())
	o.add("state", stateNumbers(r.State))
	o.add("wantstate", stateNumbers(wanted(i, r)))
	o.add("version", i.Version)
	o.add("smtp_alert", i.SMTPAlert.Or(p.conf.Global.Mail.MailVRRP()))
	o.add("notify_deleted", i.Notify.Deleted != nil)
	for _, s := range notifyScripts(&i.Notify) {
		if s.cmd != nil {
			o.add(s.json, quoted(s.cmd.Argv))
		}
	}
	listed, excluded := virtualAddresses(i, r)
	o.list("vips", listed)
	o.list("evips", excluded)
	o.list("vroutes", routes(i.Routes))
	o.list("vrules", rules(i.Rules))
	p.jsonTracks(&o, i)
	switch i.AuthType {
	case "PASS":
		o.add("auth_type", 1)
		o.add("auth_data", Mask)
	case "AH":
		o.add("auth_type", 2)
		o.add("auth_data", Mask)
	default:
		o.add("auth_type", 0)
	}
	return o
}

func (o *object) garp(g *conf.GARP) {
	o.add("garp_delay", g.MasterDelay.Seconds())
	o.add("garp_refresh", g.Refresh.Seconds())
	o.add("garp_rep", g.MasterRepeat)
	o.add("garp_refresh_rep", g.RefreshRepeat)
	o.add("garp_lower_prio_delay", g.LowerPrioDelay.Seconds())
	o.add("garp_lower_prio_rep", g.LowerPrioRepeat)
}

// jsonTracks are the interfaces and the commands that an instance tracks.
func (p *printer) jsonTracks(o *object, i *conf.VRRPInstance) {
	var ifaces, scripts []string
	for _, t := range i.TrackIfaces {
		ifaces = append(ifaces, t.Name)
	}
	for _, t := range i.TrackScripts {
		for _, s := range p.conf.Scripts {
			if s.Name == t.Name {
				scripts = append(scripts, quoted(s.Command.Argv))
			}
		}
	}
	o.list("track_ifp", ifaces)
	o.list("track_script", scripts)
}

// jsonProcesses are the tracked processes, under the names of keepalived.data.
func (p *printer) jsonProcesses(s *VRRP) (out []string) {
	for _, t := range p.conf.TrackProcesses {
		var o object
		o.add("name", t.Name)
		o.add("process", t.Program)
		o.list("parameters", t.Params)
		o.add("min_processes", t.Quorum)
		if t.QuorumMax < anyNumber {
			o.add("max_processes", t.QuorumMax)
		}
		if is := find(s.Processes, t.Name, func(t *Process) string { return t.Name }); is != nil {
			o.add("current_processes", is.Running)
			o.add("have_quorum", is.Up)
		}
		o.add("weight", t.Weight)
		out = append(out, o.String())
	}
	return out
}
