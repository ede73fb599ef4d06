package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/holdfast-ha/holdfast/internal/parent"
)

// optional marks the value of an option that was given without its optional
// argument.
const optional = "\x00"

// flags is the daemon's command line, as words.
type flags struct {
	file, id, namespace               string
	vrrp, check, noBFD, all           bool
	test, logFile                     string
	strict                            bool
	foreground                        bool
	pid, vrrpPID, checkersPID, bfdPID string
	control                           string
	dontRespawn                       bool
	umask                             string
	ignoreINT, coreDump               bool
	corePattern                       string
	addresses, dump, allFiles         bool
	keepVRRP, keepIPVS, releaseVIPs   bool
	snmp                              bool
	agentX                            string
	console, detail, noSyslog, asJSON bool
	facility                          string
	signum                            string
	version, help                     bool

	set *pflag.FlagSet
}

// option is one of the original's options that are taken and do nothing.
type option struct {
	long, short string
	arg         byte // 0: none, '?': optional, '!': required
}

// withoutEffect are those that are missed; moot are those whose wish is granted
// without them: logs are written at once, Go checks its memory, configurations
// are handed on as sealed memory, and debug and perf are for builds of the
// original that have them.
var (
	withoutEffect = []option{
		{"genhash", "T", 0},
	}
	moot = []option{
		{"flush-log-file", "", 0}, {"config-fd", "", '!'}, {"debug", "", '?'}, {"perf", "", '?'},
		{"mem-check", "L", 0}, {"mem-check-log", "O", 0}, {"no-mem-check", "", 0},
	}
)

func newFlags() *flags {
	f := &flags{set: pflag.NewFlagSet("", pflag.ContinueOnError)}
	s := f.set
	s.Usage = func() {}
	s.StringVarP(&f.file, "use-file", "f", "/etc/keepalived/keepalived.conf", "")
	s.StringVarP(&f.id, "config-id", "i", "", "")
	s.StringVarP(&f.namespace, "namespace", "s", "", "")
	s.BoolVarP(&f.vrrp, "vrrp", "P", false, "")
	s.BoolVarP(&f.check, "check", "C", false, "")
	s.BoolVarP(&f.noBFD, "no_bfd", "B", false, "")
	s.BoolVar(&f.all, "all", false, "")
	s.StringVarP(&f.test, "config-test", "t", "", "")
	s.BoolVar(&f.strict, "strict", false, "")
	s.BoolVarP(&f.foreground, "dont-fork", "n", false, "")
	s.StringVarP(&f.pid, "pid", "p", "", "")
	s.StringVarP(&f.vrrpPID, "vrrp_pid", "r", "", "")
	s.StringVarP(&f.checkersPID, "checkers_pid", "c", "", "")
	s.StringVarP(&f.bfdPID, "bfd_pid", "b", "", "")
	s.StringVar(&f.control, "control", "", "")
	s.BoolVarP(&f.dontRespawn, "dont-respawn", "R", false, "")
	s.StringVarP(&f.umask, "umask", "u", "", "")
	s.BoolVar(&f.ignoreINT, "ignore-sigint", false, "")
	s.BoolVarP(&f.coreDump, "core-dump", "m", false, "")
	s.StringVarP(&f.corePattern, "core-dump-pattern", "M", "", "")
	s.BoolVarP(&f.addresses, "address-monitoring", "a", false, "")
	s.BoolVarP(&f.dump, "dump-conf", "d", false, "")
	s.BoolVarP(&f.allFiles, "all-config", "e", false, "")
	s.BoolVarP(&f.keepVRRP, "dont-release-vrrp", "V", false, "")
	s.BoolVarP(&f.keepIPVS, "dont-release-ipvs", "I", false, "")
	s.BoolVarP(&f.snmp, "snmp", "x", false, "")
	s.StringVarP(&f.agentX, "snmp-agent-socket", "A", "", "")
	s.BoolVarP(&f.releaseVIPs, "release-vips", "X", false, "")
	s.BoolVarP(&f.console, "log-console", "l", false, "")
	s.BoolVarP(&f.detail, "log-detail", "D", false, "")
	s.StringVarP(&f.facility, "log-facility", "S", "daemon", "")
	s.StringVarP(&f.logFile, "log-file", "g", "", "")
	s.BoolVarP(&f.noSyslog, "no-syslog", "G", false, "")
	s.BoolVar(&f.asJSON, "log-json", false, "")
	s.StringVar(&f.signum, "signum", "", "")
	s.BoolVarP(&f.version, "version", "v", false, "")
	s.BoolVarP(&f.help, "help", "h", false, "")
	for _, o := range slices.Concat(withoutEffect, moot) {
		if o.arg == 0 {
			s.BoolP(o.long, o.short, false, "")
			continue
		}
		s.StringP(o.long, o.short, "", "")
		if o.arg == '?' {
			s.Lookup(o.long).NoOptDefVal = optional
		}
	}
	for _, long := range []string{"config-test", "log-file", "core-dump-pattern"} {
		s.Lookup(long).NoOptDefVal = optional
	}
	return f
}

// parse reads the arguments by the rules of getopt_long(3); what remains are
// arguments that no option takes.
func (f *flags) parse(args []string) (rest []string, err error) {
	args, err = getopt(f.set, args)
	if err != nil {
		return nil, err
	}
	if err := f.set.Parse(args); err != nil {
		return nil, err
	}
	return f.set.Args(), nil
}

// ignored names the options given that have no effect yet.
func (f *flags) ignored() (names []string) {
	for _, o := range withoutEffect {
		if f.set.Changed(o.long) {
			names = append(names, "--"+o.long)
		}
	}
	return names
}

// given reports whether an option with an optional argument was given, and
// the argument, or def without one.
func (f *flags) given(long, value, def string) (string, bool) {
	if !f.set.Changed(long) {
		return "", false
	}
	if value == optional {
		return def, true
	}
	return value, true
}

// getopt rewrites what getopt_long(3) takes and pflag does not: an optional
// argument glued to its letter (-tFILE), and abbreviated long options.
func getopt(set *pflag.FlagSet, args []string) (out []string, err error) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			return append(out, args[i:]...), nil
		case strings.HasPrefix(arg, "--"):
			name, value, hasValue := strings.Cut(arg[2:], "=")
			flag, err := unabbreviate(set, name)
			if err != nil {
				return nil, err
			}
			switch {
			case hasValue && flag.Value.Type() == "bool":
				return nil, fmt.Errorf("option --%s takes no argument", flag.Name)
			case hasValue:
				out = append(out, "--"+flag.Name+"="+value)
			case flag.NoOptDefVal != "":
				out = append(out, "--"+flag.Name)
			case i+1 == len(args):
				return nil, fmt.Errorf("option --%s needs an argument", flag.Name)
			default:
				i++
				out = append(out, "--"+flag.Name+"="+args[i])
			}
		case len(arg) > 1 && arg[0] == '-':
			more, took, err := bundle(set, arg[1:], args[i+1:])
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
			i += took
		default:
			out = append(out, arg)
		}
	}
	return out, nil
}

// bundle takes the letters of one argument apart; took counts the arguments
// after it that it needed.
func bundle(set *pflag.FlagSet, letters string, next []string) (out []string, took int, err error) {
	for i := range len(letters) {
		flag := set.ShorthandLookup(letters[i : i+1])
		if flag == nil {
			return nil, 0, fmt.Errorf("unknown option -%c", letters[i])
		}
		rest := letters[i+1:]
		switch {
		case flag.Value.Type() == "bool":
			out = append(out, "--"+flag.Name)
			continue
		case rest != "":
			return append(out, "--"+flag.Name+"="+rest), 0, nil
		case flag.NoOptDefVal != "":
			return append(out, "--"+flag.Name), 0, nil
		case len(next) == 0:
			return nil, 0, fmt.Errorf("option -%c needs an argument", letters[i])
		}
		return append(out, "--"+flag.Name+"="+next[0]), 1, nil
	}
	return out, 0, nil
}

// unabbreviate finds the long option of that name, or the only one that
// begins with it.
func unabbreviate(set *pflag.FlagSet, name string) (*pflag.Flag, error) {
	if flag := set.Lookup(name); flag != nil {
		return flag, nil
	}
	var found []*pflag.Flag
	set.VisitAll(func(flag *pflag.Flag) {
		if name != "" && strings.HasPrefix(flag.Name, name) {
			found = append(found, flag)
		}
	})
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("unknown option --%s", name)
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("option --%s could be --%s or --%s", name, found[0].Name, found[1].Name)
}

// facilities of RFC 3164 §4.1.1 that -S may name.
const (
	facilityUser   = 1
	facilityDaemon = 3
	facilityLocal0 = 16
)

// parseFacility understands 0-7, local0-local7, user, daemon.
func parseFacility(s string) (int, error) {
	switch s {
	case "user":
		return facilityUser, nil
	case "daemon":
		return facilityDaemon, nil
	}
	n, err := strconv.Atoi(strings.TrimPrefix(s, "local"))
	if err != nil || n < 0 || n > 7 {
		return facilityDaemon, fmt.Errorf("invalid log facility %q: 0-7, local0-local7, user or daemon", s)
	}
	return facilityLocal0 + n, nil
}

// parseUmask understands C's notation of numbers.
func parseUmask(s string) (int, error) {
	n, err := strconv.ParseUint(s, 0, 32)
	if err != nil || n > 0o777 {
		return 0, fmt.Errorf("invalid umask %q: 0 to 0777", s)
	}
	return int(n), nil // at most 0777
}

// signalNamed is a signal by a name of --signum.
func signalNamed(name string) (n int, ok bool) {
	switch name {
	case "STOP":
		return 15, true
	case "RELOAD":
		return 1, true
	case "DATA":
		return 10, true
	case "STATS":
		return 12, true
	case "STATS_CLEAR":
		return int(parent.SigStatsClear), true
	case "JSON":
		return int(parent.SigJSON), true
	case "TDATA":
		return int(parent.SigThreads), true
	}
	return 0, false
}
