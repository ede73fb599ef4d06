package conf

import (
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
	if l.sys == nil {
		return true
	}
	if !l.sys.User(s.Text()) {
		s.Fault("HF028", diag.Error, s.Words()[0], "there is no user "+s.Text(), "a user's name")
		return false
	}
	if s.Has(1) && !l.sys.Group(s.Value(1).Text) {
		s.Fault("HF028", diag.Error, s.Words()[1], "there is no group "+s.Value(1).Text, "a group's name")
		return false
	}
	return true
}

// finishScripts drops tracked scripts that cannot be run.
func (l *loader) finishScripts() {
	l.disabled = map[string]bool{}
	kept := l.cfg.Scripts[:0]
	for i, s := range l.cfg.Scripts {
		n := l.scripts[i]
		if n.bad || !l.runnable(n.command, s.Command.Argv[0], "vrrp_script "+s.Name+" is ignored") {
			l.disabled[s.Name] = true
			continue
		}
		kept = append(kept, s)
	}
	l.cfg.Scripts = kept
	for _, m := range l.miscs {
		l.runnable(m.word, m.chk.Misc.Command.Argv[0], "the check will fail")
	}
}

// runnable reports whether a program is there and may be run.
func (l *loader) runnable(w syntax.Word, program, then string) bool {
	if l.sys == nil {
		return true
	}
	p := l.sys.Program(program)
	why := ""
	switch {
	case p.Path == "":
		why = " is not there"
	case !p.Regular:
		why = " is not a file"
	case !p.Executable:
		why = " is not executable"
	}
	if why != "" {
		l.fault("HF027", w, strings.TrimSpace(program)+why+", "+then, "a program that can be run", "")
		return false
	}
	return true
}
