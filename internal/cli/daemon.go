package cli

import (
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/notify/log"
	"github.com/holdfast-ha/holdfast/internal/parent"
)

// daemon takes keepalived's command line.
func daemon(t terminal, program string, args []string) int {
	f := newFlags()
	rest, err := f.parse(args)
	if err != nil {
		fmt.Fprintf(t.err, "%s: %v\n", program, err)
		return parent.ExitFatal
	}
	for _, arg := range rest {
		fmt.Fprintf(t.err, "%s: argument %q is ignored\n", program, arg)
	}
	switch {
	case f.help:
		fmt.Fprintf(t.err, optionsText, program)
		return parent.ExitOK
	case f.version:
		return printVersion(t.err)
	case f.set.Changed("signum"):
		n, ok := signalNamed(f.signum)
		if !ok {
			fmt.Fprintf(t.err, "%s: unknown sigfunc %s\n", program, f.signum)
			return parent.ExitFatal
		}
		fmt.Fprintln(t.out, n)
		return parent.ExitOK
	}
	if f.set.Changed("genhash") { // another program's work: starting a daemon would be a surprise
		fmt.Fprintf(t.err, "%s: -T (--genhash) must be the first option\n", program)
		return parent.ExitFatal
	}
	notes := f.complaints()
	if file, ok := f.given("config-test", f.test, ""); ok {
		printNotes(t, program, notes)
		return configTest(t, f, file)
	}
	if !f.foreground && !detached() {
		printNotes(t, program, notes)
		return detach(t, program)
	}
	o := f.options(program, args)
	o.Notes = notes
	if detached() {
		o.Started = tellLauncher
		_ = unix.Chdir("/")
	}
	defer f.coreDumps(t, program)()
	return parent.Run(o)
}

func printNotes(t terminal, program string, notes []string) {
	for _, n := range notes {
		fmt.Fprintf(t.err, "%s: %s\n", program, n)
	}
}

// complaints are about options that do not stop a start, as the original's.
func (f *flags) complaints() (notes []string) {
	if _, err := parseFacility(f.facility); err != nil {
		notes = append(notes, err.Error())
	}
	if f.umask != "" {
		if _, err := parseUmask(f.umask); err != nil {
			notes = append(notes, err.Error())
		}
	}
	if names := f.ignored(); len(names) > 0 {
		notes = append(notes, "taken, but without effect yet: "+strings.Join(names, ", "))
	}
	return notes
}

// options turns words into what the parent needs.
func (f *flags) options(program string, args []string) parent.Options {
	mask, err := parseUmask(f.umask)
	if err != nil {
		mask = -1
	}
	facility, _ := parseFacility(f.facility)
	logFile, _ := f.given("log-file", f.logFile, "/tmp/keepalived.log")
	word := identWord(program)
	return parent.Options{
		Program: program, Version: Version, CommandLine: append([]string{program}, args...),
		Load: f.request(),
		PIDFiles: map[string]string{
			"": absolute(f.pid), parent.VRRP: absolute(f.vrrpPID), parent.Checker: absolute(f.checkersPID),
			parent.BFD: absolute(f.bfdPID),
		},
		Log: log.Options{
			Console: f.console && f.foreground, Detail: f.detail, NoSyslog: f.noSyslog, Facility: facility,
			File: absolute(logFile), JSON: f.asJSON, Ident: word,
		},
		Idents: map[string]string{
			parent.VRRP: word + "_vrrp", parent.Checker: word + "_healthcheckers", parent.BFD: word + "_bfd", parent.Proxy: word + "_proxy",
		},
		LogAddresses: f.addresses, Umask: mask, NoRespawn: f.dontRespawn, KeepVRRP: f.keepVRRP, KeepIPVS: f.keepIPVS, ReleaseVIPs: f.releaseVIPs, AgentX: f.agentX,
		Control: absolute(f.control), NetNS: f.namespace, IgnoreINT: f.ignoreINT,
		ListenProxy: listenProxy,
	}
}

// identWord is the program's name in syslog: "Keepalived", as its users grep.
func identWord(program string) string { return strings.ToUpper(program[:1]) + program[1:] }

func (f *flags) request() parent.LoadRequest {
	r := parent.LoadRequest{
		ConfigFile: absolute(f.file), ConfigID: f.id, Strict: f.strict, All: f.all,
		AllFiles: f.allFiles, Dump: f.dump, SNMP: f.snmp,
		VRRP: f.vrrp || !f.check, Checkers: f.check || !f.vrrp, BFD: !f.noBFD,
	}
	if r.ConfigID == "" {
		r.ConfigID = hostID()
	}
	return r
}

// absolute makes a path independent of the working directory.
func absolute(path string) string {
	if path == "" {
		return ""
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
