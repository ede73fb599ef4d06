package uml_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	kernel  = "linux.uml"
	modules = "/usr/lib/uml/modules"
	memory  = "512M"
	// bootTimeout bounds the whole life of a guest; it boots in about 2 s.
	bootTimeout = 4 * time.Minute
	// grace is for what the guest's processes still have to write when it is
	// ended.
	grace = 5 * time.Second
)

// guestEnv tells a test binary that it runs in the guest.
const guestEnv = "HOLDFAST_UML_GUEST"

// initScript is the guest's first process: %[1]s is its folder, %[2]s the
// commands. The modules lie where the host keeps them for UML, so whoever
// wants one (the kernel itself, or a daemon) is sent through a modprobe that
// knows; nothing of the host is written to but that folder.
const initScript = `#!/bin/bash
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C TMPDIR=/run %[3]s=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
ip link set lo up
echo %[1]s/modprobe >/proc/sys/kernel/modprobe
%[1]s/modprobe ip_vs 2>%[1]s/modprobe.err
uname -r >%[1]s/booted
%[2]s
sync
echo o >/proc/sysrq-trigger
sleep 60
`

// long are the tests whose guests take longest. They run side by side from the
// beginning; the others have their turn one after another: there is waiting in
// each, but more guests than that would only be in each other's way.
var (
	long = []string{"TestCases", "TestDaemon"}
	turn = make(chan struct{}, 1)
)

// needs skips the test where something that it runs is missing. The test runs in
// parallel with others, each in a guest of its own.
func needs(t testing.TB, programs ...string) {
	t.Helper()
	if os.Getenv(guestEnv) != "" {
		t.Skip("this is for the host")
	}
	for _, p := range append([]string{kernel, "modprobe", "ip"}, programs...) {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%v (apt install user-mode-linux kmod ipvsadm iproute2 iptables)", err)
		}
	}
	if found, _ := filepath.Glob(modules + "/*/kernel/net/netfilter/ipvs/ip_vs.ko*"); len(found) == 0 {
		t.Skipf("no ip_vs.ko below %s (apt install user-mode-linux)", modules)
	}
	if p, ok := t.(*testing.T); ok {
		p.Parallel()
	}
	if !slices.Contains(long, t.Name()) {
		turn <- struct{}{}
		t.Cleanup(func() { <-turn })
	}
}

// boot runs commands in a guest and returns what they printed. The guest's root
// folder is the host's; it has no network but its own loopback.
func boot(t testing.TB, commands string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil { // they are run
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "lib/modules")); err != nil {
		t.Fatal(err)
	}
	write("modprobe", "#!/bin/sh\nexec modprobe -d "+dir+" \"$@\"\n")
	write("commands", commands)
	write("init", fmt.Sprintf(initScript, dir, "bash "+dir+"/commands >"+dir+"/out 2>&1 </dev/null", guestEnv))

	console, busy, err := run(dir)
	read := func(name string) string {
		b, _ := os.ReadFile(filepath.Join(dir, name)) // absent is empty
		return string(b)
	}
	switch {
	case err != nil:
		t.Fatalf("%v\n%s\n%s", err, read("out"), console)
	case read("booted") == "":
		t.Skipf("the guest did not boot here:\n%s", console)
	case read("modprobe.err") != "":
		t.Fatalf("modprobe ip_vs in the guest: %s", read("modprobe.err"))
	}
	t.Logf("kernel %s, %v of processor time", strings.TrimSpace(read("booted")), busy.Round(time.Second/10))
	return read("out")
}

// run starts the kernel and waits for its end; busy is what it took of the
// processors, and the error is for one that had to be ended. Its processes form
// a group of their own, which goes with it.
func run(dir string) (console string, busy time.Duration, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), bootTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, kernel, "mem="+memory, "rootfstype=hostfs", "rootflags=/", "rw",
		"init="+filepath.Join(dir, "init"), "con=null", "con0=fd:0,fd:1", "panic=-1", "uml_dir="+dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = grace
	runErr := cmd.Run()
	if s := cmd.ProcessState; s != nil {
		busy = s.UserTime() + s.SystemTime()
	}
	if ctx.Err() != nil {
		return out.String(), busy, fmt.Errorf("the guest was ended after %v: %w", bootTimeout, runErr)
	}
	return out.String(), busy, nil // how UML exits says nothing
}

// compile builds a package's test binary, static, so that it runs in the guest.
func compile(t testing.TB, pkg string) string {
	t.Helper()
	return goTool(t, "test", "-c", "-o", filepath.Join(t.TempDir(), filepath.Base(pkg)+".test"), pkg)
}

// goTool runs go with "-o FILE" among its arguments, and returns FILE.
func goTool(t testing.TB, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	for i, a := range args {
		if a == "-o" {
			return args[i+1]
		}
	}
	panic("no -o")
}
