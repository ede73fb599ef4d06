package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/parent"
)

// Exit codes of --config-test, as keepalived 2.2 really gives them (its
// manual counts one less).
const (
	exitUnreadable = 4 // there is no file, or it may not be read
	exitMissing    = 2 // a keyword lacks its value, and reading ends there
	exitTestFailed = 5 // there are errors, whether or not the daemon would start
	exitInsecure   = 6 // scripts, and no enable_script_security
)

// configTest is -t: read the configuration in this very process, say what is
// wrong with it on stderr, or in a file, and exit accordingly.
func configTest(t terminal, f *flags, file string) int {
	shortLife()
	out := t.err
	if file != "" {
		w, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644) // a log, for everybody
		if err != nil {
			fmt.Fprintf(t.err, "open the file for -t: %v\n", err)
			return parent.ExitFatal
		}
		defer w.Close()
		out = w
	}
	q := f.request()
	cfg, found := conf.Load(disk, f.file, conf.Options{ConfigID: q.ConfigID, Env: os.Getenv, Dir: absolute("."), AllFiles: f.allFiles, System: system})
	_ = diag.Print(out, found) // who reads is gone: the exit code remains
	fatal := func(ids ...string) bool {
		return slices.ContainsFunc(found, func(d diag.Diagnostic) bool {
			return d.Severity == diag.Fatal && (len(ids) == 0 || slices.Contains(ids, d.ID))
		})
	}
	switch { // in the order in which keepalived comes to them
	case fatal() && fatalExit(f.file) != parent.ExitConfig:
		return exitUnreadable
	case slices.ContainsFunc(found, lacksInclude):
		return parent.ExitNoConfig
	case fatal("HF012"):
		return exitMissing
	case fatal("HF026"):
		return exitTestFailed
	case (runsScripts(cfg) || fatal() && unsafe(found)) && !cfg.Global.ScriptSecurity:
		fmt.Fprintln(out, "SECURITY VIOLATION - scripts are being executed but script_security not enabled.")
		return exitInsecure
	case fatal(), found.Count(diag.Error) > 0, f.strict && found.Count(diag.Warning) > 0:
		return exitTestFailed
	}
	return parent.ExitOK
}

// lacksInclude: a file that had to be included is not there, so there is no
// configuration, as far as exit codes go.
func lacksInclude(d diag.Diagnostic) bool { return d.Severity == diag.Fatal && d.ID == "HF007" }

// fatalExit is the exit code of a start that found no configuration to run.
func fatalExit(file string) int {
	_, err := disk.Read(file)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return parent.ExitPermission
	case err != nil:
		return parent.ExitNoConfig
	}
	return parent.ExitConfig
}

// unsafe reports whether scripts were found that run as root, also those of
// instances that are left out.
func unsafe(found diag.List) bool {
	return slices.ContainsFunc(found, func(d diag.Diagnostic) bool { return d.ID == "HF029" })
}

// runsScripts reports whether a configuration has a program run that is there.
func runsScripts(cfg *conf.Config) bool {
	return slices.ContainsFunc(commands(cfg), func(c *conf.Command) bool {
		return c != nil && len(c.Argv) > 0 && system.Program(c.Argv[0]).Path != ""
	})
}

// commands are those of the subsystems that have something to do; some are nil.
func commands(cfg *conf.Config) (all []*conf.Command) {
	notify := func(n *conf.Notify) {
		all = append(all, n.Master, n.Backup, n.Fault, n.Stop, n.Deleted, n.Any, n.MasterRxLowerPri)
	}
	if len(cfg.Instances) > 0 {
		for _, s := range cfg.Scripts {
			all = append(all, &s.Command)
		}
		for _, g := range cfg.Groups {
			notify(&g.Notify)
		}
	}
	for _, v := range cfg.Instances {
		notify(&v.Notify)
	}
	for _, v := range cfg.VirtualServers {
		all = append(all, v.QuorumUp, v.QuorumDown)
		for _, r := range v.Servers {
			all = append(all, r.NotifyUp, r.NotifyDown)
			for _, c := range r.Checkers {
				if c.Misc != nil {
					all = append(all, &c.Misc.Command)
				}
			}
		}
	}
	return all
}
