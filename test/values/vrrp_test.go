package values

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/files"
	"github.com/holdfast-ha/holdfast/test/corpus"
)

// machine is this one with the interfaces of the namespace.
type machine struct{ files.System }

func (machine) Interface(name string) bool { return slices.Contains([]string{"lo", "e0", "e1"}, name) }

// namespace is where keepalived runs: e0 with two addresses, and nobody to
// hear. What it writes stays in its own /tmp and /run; the file $1 may lie there.
const namespace = `set -e
text=$(cat "$1")
shift
mount --make-rprivate /
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
ip link set lo up
n=0
for i in $LINKS; do
	n=$((n+1))
	ip link add "$i" type veth peer name "vp$n"
	ip link set "$i" up
	ip link set "vp$n" up
	ip addr add "10.$n.0.1/24" dev "$i"
done
ip link add e0 type veth peer name e1
ip link set e0 up
ip link set e1 up
ip addr add 10.9.0.1/24 dev e0
ip addr add 10.9.0.50/24 dev e0
ip addr add 10.9.1.1/24 dev e1
ip addr add fe80::1/64 dev e0 nodad
printf '%s\n' "$text" >/run/k.conf
exec "$@" -f /run/k.conf
`

// patience is for a daemon on a machine that has other things to do.
const patience = 20 * time.Second

// TestVRRP: each file in testdata/vrrp comes to the same values here and in
// keepalived.
func TestVRRP(t *testing.T) {
	daemon := referee(t)
	names, err := filepath.Glob("testdata/vrrp/*.conf")
	if err != nil || len(names) == 0 {
		t.Fatal("no files", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".conf"), func(t *testing.T) {
			t.Parallel()
			cfg, _ := conf.Load(files.Disk{}, name, conf.Options{System: machine{}})
			if len(VRRP(cfg)) == 0 {
				t.Fatal("nothing to compare")
			}
			same(t, cfg, askOf(t, daemon, absolute(t, name)))
		})
	}
}

// field is a machine with the interfaces that a file from the field names.
type field struct {
	files.System
	links []string
}

func (f field) Interface(name string) bool { return slices.Contains(f.links, name) }

// TestField: so does each file of the corpus that keepalived runs.
func TestField(t *testing.T) {
	daemon := referee(t)
	names, _ := filepath.Glob(filepath.Join(corpus.Dir(), "*.conf"))
	if len(names) == 0 {
		t.Skip("no corpus here, CORPUS may name its folder")
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".conf"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			links := corpus.Interfaces(string(text))
			cfg, found := conf.Load(files.Disk{}, name, conf.Options{System: field{links: links}})
			if found.Count(diag.Fatal) > 0 {
				t.Skip("it does not run")
			}
			if len(cfg.Instances) == 0 {
				t.Skip("it has no virtual router")
			}
			if cfg.Global.SyncDaemon != nil {
				t.Skip("keepalived's VRRP ends without IPVS then")
			}
			theirs := Parse(askOf(t, daemon, absolute(t, name), links[1:]...)) // lo is there
			alike(theirs)
			ours := VRRP(cfg)
			alike(ours)
			for _, d := range Compare(ran(ours), ran(theirs), UnseenVRRP) {
				t.Error(d)
			}
		})
	}
}

// referee is keepalived's path; the test is skipped where it cannot run.
func referee(t *testing.T) string {
	t.Helper()
	daemon, err := exec.LookPath("keepalived")
	if err != nil {
		t.Skip("no keepalived to compare with:", err)
	}
	if out, _ := exec.Command(daemon, "--version").CombinedOutput(); !strings.Contains(string(out), "v2.2.") { // as found
		t.Skip("this keepalived is not 2.2, which the comparison is with")
	}
	if os.Getuid() != 0 {
		t.Skip("a network namespace takes root")
	}
	return daemon
}

func absolute(t *testing.T, name string) string {
	t.Helper()
	full, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

// ran takes out what is the run's, not the configuration's, and turns programs
// into what keepalived found in PATH.
func ran(all []Object) []Object {
	for i := range all {
		all[i].Fields = slices.DeleteFunc(all[i].Fields, func(f Field) bool { return f.Label == "Wantstate" })
		for _, f := range all[i].Fields {
			for k, v := range f.Values {
				if rest, ok := strings.CutPrefix(v, "'"); ok && f.Label == "Command" {
					name, args, _ := strings.Cut(rest, "'")
					if path, err := exec.LookPath(name); err == nil {
						f.Values[k] = "'" + path + "'" + args
					}
				}
			}
		}
	}
	return all
}

// same holds a configuration against keepalived's answer.
func same(t *testing.T, cfg *conf.Config, answer string) {
	t.Helper()
	theirs := Parse(answer)
	alike(theirs)
	ours := VRRP(cfg)
	alike(ours)
	for _, d := range Compare(ours, theirs, UnseenVRRP) {
		t.Error(d)
	}
}

// alike takes from an answer, keepalived's or ours, what it adds to what was configured.
func alike(all []Object) {
	for i := range all {
		o := &all[i]
		if o.Kind == "VRRP Sync Group" {
			o.Name, _, _ = strings.Cut(o.Name, ",")
		}
		for j := range o.Fields {
			f := &o.Fields[j]
			for k, v := range f.Values {
				switch {
				case f.Label == "Password":
					v = masked
				case f.Label == "Interface": // a VMAC that is there
					if _, base, ok := strings.Cut(v, " on "); ok {
						v, _, _ = strings.Cut(base, ",")
					}
				case strings.HasPrefix(f.Label, "Virtual IP") || o.Kind == "Static Addresses":
					v = vmacAt.ReplaceAllString(v, "dev ")
					v = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(v, " set"), " deprecated"), " preferred_lft forever")
				case strings.HasPrefix(f.Label, "Virtual R") || strings.HasPrefix(o.Kind, "Static R"):
					v = sorted(iproute.Replace(v + " "))
				}
				f.Values[k] = v
			}
		}
	}
}

// vmacAt is what an address on a VMAC has before the name of its base.
var vmacAt = regexp.MustCompile(`dev [^ @]+@`)

// iproute takes from a route what keepalived adds, and turns what it calls
// otherwise than our files do.
var iproute = strings.NewReplacer("prepend ", "", "proto 18 ", "", "protocol 18 ", "", "inet ", "", "0.0.0.0/0", "default",
	"tos 0x0 ", "", "lookup ", "table ", "from all ", "", "no_track ", "")

// askOf asks keepalived about a file.
func askOf(t *testing.T, daemon, conf string, links ...string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", namespace, "sh", conf, daemon, "-P", "-n", "-l") // as found
	cmd.Env = append(os.Environ(), "LINKS="+strings.Join(links, " "))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Setpgid: true}
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Skip("no network namespace:", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	answer, err := ask(cmd.Process.Pid, ended)
	if err == nil {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended //nolint:errcheck // how it ends does not matter
		return answer
	}
	if !errors.Is(err, errEnded) {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended //nolint:errcheck // how it ends does not matter
	}
	t.Fatalf("%v\n%s", err, &log)
	return ""
}

var errEnded = errors.New("keepalived ended")

// ask sends SIGUSR1 until there is an answer: before its child has read the
// file the signal is lost.
func ask(pid int, ended <-chan error) (string, error) {
	name := filepath.Join("/proc", strconv.Itoa(pid), "root/tmp/keepalived.data")
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for {
		select {
		case <-ended: //nolint:errcheck // the same
			return "", errEnded
		case <-limit:
			return "", errors.New("no answer to SIGUSR1")
		case <-tick.C:
		}
		if !running(pid) {
			continue // it is not in its own /tmp yet
		}
		if b, err := os.ReadFile(name); err == nil && strings.Contains(string(b), "------< Interfaces >------") && strings.Contains(string(b), "umask =") {
			return string(b), nil
		}
		_ = syscall.Kill(pid, syscall.SIGUSR1)
	}
}

// running reports whether the process is keepalived and takes SIGUSR1 already:
// caught or, for a signalfd, blocked. Until then it would end it.
func running(pid int) bool {
	if comm, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm")); strings.TrimSpace(string(comm)) != "keepalived" {
		return false
	}
	b, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	for _, line := range strings.Split(string(b), "\n") {
		if name, mask, _ := strings.Cut(line, ":\t"); name == "SigCgt" || name == "SigBlk" {
			if n, err := strconv.ParseUint(mask, 16, 64); err == nil && n&(1<<(syscall.SIGUSR1-1)) != 0 {
				return true
			}
		}
	}
	return false
}
