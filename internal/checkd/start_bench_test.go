package checkd

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// BenchmarkStart tells how many bytes each stage of a start allocates for one
// real server, of fifty thousand: a page that was never used before is a page
// fault, which costs more than what is written to it.
func BenchmarkStart(b *testing.B) {
	const services, servers = 5000, 10
	boot := &ipc.BootInfo{ConfigFile: filepath.Join(b.TempDir(), "k.conf")}
	set, err := source.Unmarshal(snapshotOf(b, boot.ConfigFile, many(services, servers)))
	if err != nil {
		b.Fatal(err)
	}
	stages := []string{"read", "build", "plan"}
	sums := make([]uint64, len(stages))
	for b.Loop() {
		was := allocated()
		stage := func(i int) {
			now := allocated()
			sums[i] += now - was
			was = now
		}
		r, err := load(set, boot, nil)
		if err != nil {
			b.Fatal(err)
		}
		stage(0)
		s := build.Renew(r.cfg, nil)
		stage(1)
		p := newPlan(s, nil)
		stage(2)
		runtime.KeepAlive(p)
	}
	for i, name := range stages {
		b.ReportMetric(float64(sums[i])/float64(b.N)/services/servers, name+"-B/server")
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// many is a configuration of so many virtual servers with so many real ones each.
func many(services, servers int) string {
	var b strings.Builder
	for v := range services {
		fmt.Fprintf(&b, "virtual_server 10.%d.%d.%d 80 {\n    delay_loop 60\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n", 200+v/62500, v/250%250, v%250+1)
		for r := range servers {
			i := v*servers + r
			fmt.Fprintf(&b, "    real_server 127.%d.%d.%d 8080 {\n        weight 1\n        TCP_CHECK {\n            connect_timeout 3\n        }\n    }\n", 1+i/62500, i/250%250, i%250+1)
		}
		b.WriteString("}\n")
	}
	return b.String()
}
