package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/parent"
)

// Exit codes of --config-test, as keepalived 2.2 really gives them (its
// manual counts one less).
const (
	exitUnreadable = 4 // there is no file, or it may not be read
	exitTestFailed = 5 // there are errors, whether or not the daemon would start
	exitInsecure   = 6 // scripts, and no enable_script_security
)

// configTest is -t: read the configuration in this very process, say what is
// wrong with it on stderr, or in a file, and exit accordingly.
func configTest(t terminal, f *flags, file string) int {
	shortLife()
	out := t.err
	if file != "" {
		w, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644) //nolint:gosec // a log, for everybody
		if err != nil {
			fmt.Fprintf(t.err, "open the file for -t: %v\n", err)
			return parent.ExitFatal
		}
		defer w.Close()
		out = w
	}
	q := f.request()
	cfg, found := conf.Load(disk, f.file, conf.Options{ConfigID: q.ConfigID, Env: os.Getenv, System: system})
	_ = diag.Print(out, found) // who reads is gone: the exit code remains
	switch {
	case found.Count(diag.Fatal) > 0 && fatalExit(f.file) != parent.ExitConfig:
		return exitUnreadable
	case runsScripts(cfg) && !cfg.Global.ScriptSecurity:
		fmt.Fprintln(out, "SECURITY VIOLATION - scripts are being executed but script_security not enabled.")
		return exitInsecure
	case found.Count(diag.Error) > 0, f.strict && found.Count(diag.Warning) > 0:
		return exitTestFailed
	}
	return parent.ExitOK
}

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

// runsScripts reports whether a configuration has anything run.
func runsScripts(cfg *conf.Config) bool {
	if len(cfg.Instances) > 0 {
		if len(cfg.Scripts) > 0 {
			return true
		}
		for _, v := range cfg.Instances {
			if v.Notify != (conf.Notify{}) {
				return true
			}
		}
		for _, g := range cfg.Groups {
			if g.Notify != (conf.Notify{}) {
				return true
			}
		}
	}
	for _, v := range cfg.VirtualServers {
		if v.QuorumUp != nil || v.QuorumDown != nil {
			return true
		}
		for _, r := range v.Servers {
			if r.NotifyUp != nil || r.NotifyDown != nil {
				return true
			}
			for _, c := range r.Checkers {
				if c.Misc != nil {
					return true
				}
			}
		}
	}
	return false
}
