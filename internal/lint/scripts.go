package lint

import (
	"fmt"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// idleScript is silent without instances: then conf has said worse.
func idleScript(s *subject, say sayer) {
	if len(s.Instances) == 0 {
		return
	}
	tracked := map[string]bool{}
	for _, i := range s.Instances {
		for _, t := range i.TrackScripts {
			tracked[t.Name] = true
		}
	}
	for _, g := range s.Groups {
		for _, t := range g.TrackScripts {
			tracked[t.Name] = true
		}
	}
	for _, d := range s.Scripts {
		if !tracked[d.Name] {
			say(finding{pos: d.Pos, message: fmt.Sprintf("vrrp_script %s is tracked by nobody, it is not run", d.Name), expected: "a track_script block that names it"})
		}
	}
}

// absentScript asks the machine once for each program. What keepalived itself
// complains of has been said by conf, if that was asked to look (check --here).
func absentScript(s *subject, say sayer) {
	if s.system == nil {
		return
	}
	why := map[string]string{}
	s.commands(func(c *conf.Command) {
		if c == nil || len(c.Argv) == 0 || strings.HasPrefix(c.Argv[0], "<") {
			return
		}
		program := c.Argv[0]
		bad, asked := why[program]
		if !asked {
			switch p := s.system.Program(program); {
			case p.Path == "":
				bad = "is not there"
			case !p.Regular:
				bad = "is not a file"
			case !p.Executable:
				bad = "is not executable"
			}
			why[program] = bad
		}
		if bad != "" {
			say(finding{pos: c.Line, message: program + " " + bad + " on this machine", expected: "a program that can be run"})
		}
	})
}

// sharedScript asks the machine once for each program that runs as root.
func sharedScript(s *subject, say sayer) {
	if s.system == nil {
		return
	}
	shared := map[string]bool{}
	s.commands(func(c *conf.Command) {
		if c == nil || len(c.Argv) == 0 || !s.root(c) {
			return
		}
		program := c.Argv[0]
		bad, asked := shared[program]
		if !asked {
			p := s.system.Program(program)
			bad = p.Path != "" && p.Regular && p.Shared
			shared[program] = bad
		}
		if bad {
			say(finding{pos: c.Line, message: program + " can be changed by others than root", expected: "a file and directories that only root can write"})
		}
	})
}

// root reports whether a command runs as root: without script_user it does,
// unless there is a user keepalived_script.
func (s *subject) root(c *conf.Command) bool {
	switch or(c.User, s.Global.ScriptUser) {
	case "":
		return !s.system.User("keepalived_script")
	case "root", "0":
		return true
	}
	return false
}

// commands calls f for everything that the configuration has run; f may be
// given nil.
func (s *subject) commands(f func(c *conf.Command)) {
	f(s.Global.StartupScript)
	f(s.Global.ShutdownScript)
	for _, d := range s.Scripts {
		f(&d.Command)
	}
	for _, g := range s.Groups {
		notify(&g.Notify, f)
	}
	for _, i := range s.Instances {
		notify(&i.Notify, f)
	}
	for _, v := range s.VirtualServers {
		f(v.QuorumUp)
		f(v.QuorumDown)
		for _, r := range v.Servers {
			f(r.NotifyUp)
			f(r.NotifyDown)
			for _, k := range r.Checkers {
				if k.Misc != nil {
					f(&k.Misc.Command)
				}
			}
		}
	}
}

func notify(n *conf.Notify, f func(c *conf.Command)) {
	for _, c := range []*conf.Command{n.Master, n.Backup, n.Fault, n.Stop, n.Deleted, n.Any, n.MasterRxLowerPri} {
		f(c)
	}
}
