package vrrpd

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/notify/fifo"
	"github.com/holdfast-ha/holdfast/internal/notify/script"
	"github.com/holdfast-ha/holdfast/internal/proc"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// notice is something to tell scripts, FIFOs and mail.
type notice struct {
	kind, name string        // INSTANCE or GROUP
	state      string        // in keepalived's words
	priority   vrrp.Priority // of a group 0, as keepalived says it
	cause      string
	scripts    *conf.Notify
	mail       bool
}

// notify tells them all, without waiting for any.
func (d *daemon) notify(n *notice) {
	d.runScripts(n)
	d.writeFIFOs(n)
	if n.mail {
		d.mail(n)
	}
}

// runScripts runs the script of a state and the one for any state, with the
// arguments of keepalived.conf(5).
func (d *daemon) runScripts(n *notice) {
	if n.scripts == nil {
		return
	}
	var specs []proc.Spec
	if own := ofState(n); own != nil {
		specs = append(specs, d.spec(own, n))
	}
	if n.scripts.Any != nil && n.state != lowerHeard {
		s := d.spec(n.scripts.Any, n)
		s.Argv = append(s.Argv[:len(s.Argv):len(s.Argv)], n.kind, n.name, n.state, fmt.Sprint(uint8(n.priority)))
		specs = append(specs, s)
	}
	if len(specs) > 0 {
		d.scripts.Run(script.Job{Object: n.name, Scripts: specs})
	}
}

// lowerHeard is what keepalived calls an advert of lower priority that a master
// hears; it is no state, and has a script of its own only.
const lowerHeard = "MASTER_RX_LOWER_PRI"

// ofState is the script of just that state.
func ofState(n *notice) *conf.Command {
	s := n.scripts
	switch n.state {
	case "MASTER":
		return s.Master
	case "BACKUP":
		return s.Backup
	case "FAULT":
		return s.Fault
	case "STOP":
		return s.Stop
	case "DELETED":
		return s.Deleted
	case lowerHeard:
		return s.MasterRxLowerPri
	}
	return nil
}

// spec is how a configured command is run, and what it is told about, in its
// environment.
func (d *daemon) spec(c *conf.Command, n *notice) proc.Spec {
	s := proc.Spec{Argv: c.Argv, User: c.User, Group: c.Group, Secure: d.cfg.Secure}
	if s.User == "" {
		s.User, s.Group = d.cfg.User, d.cfg.Group
	}
	if n != nil {
		s.Env = []string{
			"HOLDFAST_KIND=" + n.kind, "HOLDFAST_NAME=" + n.name, "HOLDFAST_STATE=" + n.state,
			fmt.Sprintf("HOLDFAST_PRIORITY=%d", n.priority), "HOLDFAST_CAUSE=" + n.cause,
		}
	}
	return s
}

func (d *daemon) writeFIFOs(n *notice) {
	for _, f := range d.fifos.Write(fmt.Sprintf("%s %q %s %d", n.kind, n.name, n.state, n.priority)) {
		if times, ok := d.fifoLoss.allow(d.now()); ok {
			d.sayf(slog.LevelWarn, kindNotify, n.name, "nobody reads %s, and a line was lost%s", f.Path(), times)
		}
	}
}

// tellAll writes all states to the FIFOs (fifo_write_vrrp_states_on_reload).
func (d *daemon) tellAll() {
	for i, e := range d.edges {
		v := d.node.Router(i)
		if v.State != vrrp.Init {
			d.writeFIFOs(&notice{kind: "INSTANCE", name: e.Name, state: v.State.String(), priority: v.Priority})
		}
	}
	for i := range d.cfg.Groups {
		if s := d.node.Group(i).State; s != vrrp.Init {
			d.writeFIFOs(&notice{kind: "GROUP", name: d.cfg.Groups[i].Name, state: s.String()})
		}
	}
}

// scriptEnded is told from a goroutine of the script runner.
func (d *daemon) scriptEnded(o script.Outcome) {
	line := strings.Join(o.Argv, " ")
	switch {
	case o.Dropped:
		d.sayf(slog.LevelWarn, kindNotify, o.Object, "(%s) notify script %s was not run: %d others wait", o.Object, line, script.MaxWaiting)
	case o.Result.OK():
		d.sayf(slog.LevelDebug, kindNotify, o.Object, "(%s) notify script %s: %s after %v", o.Object, line, o.Result, o.Result.Took.Round(time.Millisecond))
	default:
		d.sayf(slog.LevelWarn, kindNotify, o.Object, "(%s) notify script %s: %s%s", o.Object, line, o.Result, quote(o.Result.Output))
	}
}

// quote is the first line of a script's output, for a log line.
func quote(output []byte) string {
	first, _, _ := strings.Cut(strings.TrimSpace(string(output)), "\n")
	if first == "" {
		return ""
	}
	return fmt.Sprintf(" (it said %q)", first[:min(len(first), 200)])
}

// wantFIFOs finds whose the FIFOs of a configuration are. It may run beside the
// loop.
func (d *daemon) wantFIFOs(all []build.FIFO) (want []fifo.Options) {
	for _, f := range all {
		who, err := proc.LookupUser(f.User, f.Group)
		if err != nil {
			d.say(slog.LevelWarn, kindNotify, "", "", err.Error())
			continue
		}
		o := fifo.Options{Path: f.Path, UID: int(who.UID), GID: int(who.GID), Told: func(line string) {
			d.say(slog.LevelWarn, kindNotify, "", "", line)
		}}
		if p := f.Reader; p != nil {
			o.Reader = &proc.Spec{Argv: p.Argv, User: p.User, Group: p.Group, Secure: p.Secure}
		}
		want = append(want, o)
	}
	return want
}

// openFIFOs makes the set of open FIFOs that of the configuration.
func (d *daemon) openFIFOs(want []fifo.Options) {
	if err := d.fifos.Use(want); err != nil {
		d.say(slog.LevelWarn, kindNotify, "", "", err.Error())
	}
}
