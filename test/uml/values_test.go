package uml_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/files"
	"github.com/holdfast-ha/holdfast/test/corpus"
	"github.com/holdfast-ha/holdfast/test/values"
)

// askAll has keepalived log what it made of each file, in a guest: without
// IPVS it would not get that far. It waits without a program for each look.
const askAll = `mkfifo /run/never
exec 9<>/run/never
pause() { read -rt "$1" -u 9; }
look() { IFS= read -rd '' log </run/log; }
for f in%s; do
	echo "=== $f"
	: >/run/log
	%s -C -n -l -d -f "$f" >/run/log 2>&1 &
	for i in $(seq 300); do
		look
		[[ $log == *"LVS Topology"* && ( $log == *"Activating BFD healthchecker"* || $log == *"Startup complete"* ) ]] && break
		pause 0.1
	done
	last=
	while [[ $log != "$last" ]]; do last=$log; pause 0.5; look; done
	kill $!
	wait $!
	sed '/^[^-]*Stopping$/,$d' /run/log
done
`

// mayDiffer are values that differ and come to the same thing.
var mayDiffer = map[string]string{
	"quorum.conf: VS VIP 10.1.0.2, VPORT = 80: sorry server: [[10.1.1.9]:tcp:80 forwarding method = NAT Inhibit on failure is OFF] here, [[10.1.1.9]:tcp:0 forwarding method = NAT Inhibit on failure is OFF] there": "to the kernel, port 0 is the virtual server's",
}

// balances reports whether a file has a virtual server here.
func balances(name string) bool {
	cfg, found := conf.Load(files.Disk{}, name, conf.Options{System: files.System{}})
	return len(cfg.VirtualServers) > 0 && found.Count(diag.Fatal) == 0
}

// TestValues: each file in test/values/testdata/lvs, and of the corpus, comes to the same virtual
// servers, real servers and checkers here and in keepalived.
func TestValues(t *testing.T) {
	needs(t)
	daemon, err := exec.LookPath(referee)
	if err != nil {
		t.Skip(err)
	}
	if out, _ := exec.Command(daemon, "--version").CombinedOutput(); !strings.Contains(string(out), "v2.2.") {
		t.Skip("this keepalived is not 2.2, which the comparison is with")
	}
	names, _ := filepath.Glob("../values/testdata/lvs/*.conf")
	if len(names) == 0 {
		t.Fatal("no files")
	}
	field, _ := filepath.Glob(filepath.Join(corpus.Dir(), "*.conf"))
	asked := ""
	for _, name := range append(names, field...) {
		if full, err := filepath.Abs(name); err == nil && balances(full) {
			asked += " '" + full + "'"
		}
	}
	logs := strings.Split(boot(t, fmt.Sprintf(askAll, asked, daemon)), "=== ")[1:]
	if n := strings.Count(asked, " "); len(logs) != n {
		t.Fatalf("%d answers about %d files", len(logs), n)
	}
	for _, part := range logs {
		path, log, _ := strings.Cut(part, "\n")
		name := filepath.Base(path)
		t.Run(strings.TrimSuffix(name, ".conf"), func(t *testing.T) {
			cfg, found := conf.Load(files.Disk{}, path, conf.Options{System: files.System{}})
			for _, d := range found {
				t.Log(d)
			}
			ours := values.LVS(cfg)
			if len(ours) == 0 {
				t.Fatal("nothing to compare")
			}
			for _, d := range values.Compare(ours, values.ParseLVS(log), values.UnseenLVS) {
				if mayDiffer[name+": "+d] == "" {
					t.Error(d)
				}
			}
			if t.Failed() {
				t.Log("keepalived:\n" + log)
			}
		})
	}
}
