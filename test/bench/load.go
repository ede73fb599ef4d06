// Loading a configuration: wall time and peak memory of the config test.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const loadRuns = 7

func benchLoad(pair [2]daemon) error {
	dir, err := os.MkdirTemp("", "holdfast-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, shape := range [][2]int{{1000, 10}, {5000, 10}} {
		file := filepath.Join(dir, "load.conf")
		if err := os.WriteFile(file, manyServers(shape[0], shape[1]), 0o600); err != nil {
			return err
		}
		var wall, rss [2][]float64
		for range loadRuns {
			for i, d := range pair {
				w, r, err := configTest(d, file)
				if err != nil {
					return err
				}
				wall[i] = append(wall[i], w.Seconds()*1e3)
				rss[i] = append(rss[i], r)
			}
		}
		heading(fmt.Sprintf("-t of %d virtual servers × %d real servers", shape[0], shape[1]))
		row("wall time", "ms", wall[0], wall[1])
		row("peak memory", "MB", rss[0], rss[1])
	}
	return nil
}

// configTest runs daemon -t once: how long it took and its peak memory in MB.
func configTest(d daemon, file string) (time.Duration, float64, error) {
	cmd := exec.Command(d.path, "-t", "-f", file)
	start := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(start)
	if err != nil {
		return 0, 0, fmt.Errorf("%s -t: %w: %.300s", d.name, err, out)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return took, float64(usage.Maxrss) / 1024, nil
}

// manyServers writes v virtual servers with r TCP-checked real servers each.
func manyServers(v, r int) []byte {
	var b strings.Builder
	b.WriteString("global_defs {\n    router_id bench\n}\n")
	for i := range v {
		fmt.Fprintf(&b, "virtual_server 10.%d.%d.%d 80 {\n    delay_loop 10\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n",
			200+i/62500, i/250%250, i%250+1)
		for k := range r {
			n := i*r + k
			fmt.Fprintf(&b, "    real_server 127.%d.%d.%d 8080 {\n        weight 1\n        TCP_CHECK {\n            connect_timeout 3\n        }\n    }\n",
				1+n/62500, n/250%250, n%250+1)
		}
		b.WriteString("}\n")
	}
	return []byte(b.String())
}
