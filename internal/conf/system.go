package conf

import (
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// needInterface remembers that an interface must exist; whether it must is
// known at the end only, for dynamic_interfaces may come later.
func (l *loader) needInterface(w syntax.Word, what string) {
	if l.sys != nil {
		l.ifaces = append(l.ifaces, interfaceNotes{w, what})
	}
}

// usualInterface is the default of default_interface.
const usualInterface = "eth0"

// interfaceNotes is an interface that was named.
type interfaceNotes struct {
	word syntax.Word
	what string
}

// finishInterfaces reports interfaces that are not there. Without
// dynamic_interfaces keepalived does not start then.
func (l *loader) finishInterfaces() {
	sev, then := diag.Fatal, "dynamic_interfaces in global_defs, if it comes later"
	if l.cfg.Global.DynamicInterfaces {
		sev, then = diag.Notice, ""
	}
	for _, w := range l.bareStatic {
		if name := firstOf(l.cfg.Global.DefaultInterface, usualInterface); !l.sys.Interface(name) {
			l.walk.Fault("HF026", sev, w, "interface "+name+" of static address "+w.Text+" does not exist", "dev INTERFACE, or default_interface", then)
		}
	}
	known := map[string]bool{}
	for _, n := range l.ifaces {
		there, asked := known[n.word.Text]
		if !asked {
			there = l.sys.Interface(n.word.Text)
			known[n.word.Text] = there
		}
		if !there {
			l.walk.Fault("HF026", sev, n.word, "interface "+n.word.Text+" of "+n.what+" does not exist", "", then)
		}
	}
}

// knownUser reports whether user and group of a statement exist, and says so
// if not.
func (l *loader) knownUser(s *stmt) bool {
	return l.account(s, s.Words())
}

// account reports whether the user, and the group after it, exist.
func (l *loader) account(s *stmt, w []syntax.Word) bool {
	if l.sys == nil {
		return true
	}
	if !l.sys.User(w[0].Text) {
		s.Fault("HF028", diag.Error, w[0], "there is no user "+w[0].Text, "a user's name")
		return false
	}
	if len(w) > 1 && !l.sys.Group(w[1].Text) {
		s.Fault("HF028", diag.Error, w[1], "there is no group "+w[1].Text, "a group's name")
		return false
	}
	return true
}

// defaultUser is the account that scripts run as unless they say otherwise,
// if it exists.
const defaultUser = "keepalived_script"

// finishScripts drops scripts that cannot be run or must not be.
func (l *loader) finishScripts() {
	if l.sys != nil && l.cfg.Global.ScriptUser == "" && l.sys.User(defaultUser) {
		l.cfg.Global.ScriptUser = defaultUser
	}
	missing := diag.Error
	if len(l.instances) == 0 {
		missing = diag.Warning // keepalived does not look then
	}
	kept, notes := l.cfg.Scripts[:0], l.scripts
	for i, s := range l.cfg.Scripts {
		n := notes[i]
		if n.bad || !l.hasUser(&s.Command, n.command, "vrrp_script "+s.Name+" is ignored") ||
			!l.runnable(n.command, &s.Command, "vrrp_script "+s.Name+" is ignored", missing) {
			continue
		}
		kept = append(kept, s)
	}
	l.cfg.Scripts = kept
	for _, c := range l.commands {
		if !l.knownAccount(*c.slot, c.word) || !l.hasUser(*c.slot, c.word, "it is ignored") || !l.runnable(c.word, *c.slot, "it cannot be run", diag.Warning) {
			*c.slot = nil // keepalived forgets it, too
		}
	}
	for _, m := range l.miscs {
		const then = "the check is left out, as if it had succeeded"
		if !l.hasUser(&m.chk.Misc.Command, m.word, then) || !l.runnable(m.word, &m.chk.Misc.Command, then, diag.Warning) {
			m.rs.Checkers = slices.DeleteFunc(m.rs.Checkers, func(c *Checker) bool { return c == m.chk })
		}
	}
	if l.unsafe.Text != "" && !l.cfg.Global.ScriptSecurity {
		l.fault("HF029", l.unsafe, "scripts run as root and enable_script_security is not set", "", "enable_script_security in global_defs, or script_user")
	}
}

// knownAccount: a notify script whose user does not exist is not run.
func (l *loader) knownAccount(c *Command, w syntax.Word) bool {
	if l.sys == nil || c.User == "" {
		return true
	}
	if !l.sys.User(c.User) {
		l.warn("HF028", w, "there is no user "+c.User+" to run "+c.Argv[0]+" as, it is ignored", "a command in quotes if it has arguments, then a user")
		return false
	}
	return true
}

// hasUser: with enable_script_security a script needs a user that somebody
// thought of.
func (l *loader) hasUser(c *Command, w syntax.Word, then string) bool {
	if l.sys == nil || !l.cfg.Global.ScriptSecurity || c.User != "" || l.cfg.Global.ScriptUser != "" {
		return true
	}
	l.fault("HF028", w, "there is no user "+defaultUser+" to run "+c.Argv[0]+" as, "+then, "", "script_user in global_defs")
	return false
}

// runnable reports whether a program is there and may be run.
func (l *loader) runnable(w syntax.Word, c *Command, then string, sev diag.Severity) bool {
	if l.sys == nil || len(c.Argv) == 0 || strings.HasPrefix(c.Argv[0], "<") {
		return true
	}
	p := l.sys.Program(c.Argv[0])
	switch {
	case p.Path == "":
		l.walk.Fault("HF027", sev, w, c.Argv[0]+" is not there, "+then, "a program that can be run", "")
		return false
	case !p.Regular:
		l.walk.Fault("HF027", sev, w, c.Argv[0]+" is not a file, "+then, "a program that can be run", "")
		return false
	case !p.Executable:
		l.warn("HF027", w, c.Argv[0]+" is not executable, "+then, "a program that can be run")
		return false
	}
	if user := firstOf(c.User, l.cfg.Global.ScriptUser, "root"); user != "root" && user != "0" {
		return true
	}
	if l.unsafe.Text == "" {
		l.unsafe = w
	}
	if p.Shared && l.cfg.Global.ScriptSecurity {
		l.walk.Fault("HF027", sev, w, c.Argv[0]+" can be changed by others than root and would run as root, it is ignored", "a program that only root can change", "")
		return false
	}
	return true
}

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// Resolver is what a System may be besides: it knows whether a host's name has
// an address. keepalived looks up smtp_server while it reads.
type Resolver interface{ Resolves(host string) bool }

// Disguiser is what a System may be besides: it knows whether this process may
// connect from addresses that are not the machine's (proxy_source client).
type Disguiser interface{ MayDisguise() bool }

func setMailServer(l *loader, s *stmt) {
	mail(l).Server = s.Text()
	if s.Has(1) {
		mail(l).Port = int(s.Value(1).Int)
	}
	if _, ok := addressOf(s.Text()); ok {
		return
	}
	if r, ok := l.sys.(Resolver); ok && !r.Resolves(s.Text()) {
		s.Fault("HF011", diag.Error, s.Words()[0], "smtp_server "+s.Text()+" has no address", "an IP address, or a name that can be looked up")
	}
}
