// Many health checks: what they cost, and what they leave behind. The checker
// and the servers are in namespaces of their own, so that it is seen on whose
// side connections are remembered (TIME_WAIT) and who ends them with a reset.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lab"
)

const (
	checkedServers = 10000
	checksPerPool  = 100
	checksWarm     = 6 * time.Second // two rounds and more
	checksFor      = 10 * time.Second
	checksSample   = 250 * time.Millisecond

	webConf = `daemon off; pid %[1]s/web.pid; error_log /dev/null crit; worker_processes 1; worker_rlimit_nofile 60000;
events { worker_connections 50000; multi_accept on; }
http { access_log off; server { listen 8080 backlog=8192; location / { return 200 "ok\n"; } } }
`
)

// checkKinds are the checks of a real server, by what the table calls them.
var checkKinds = []struct{ name, block string }{
	{"TCP_CHECK", "TCP_CHECK {\n connect_timeout 3\n retry 0\n }"},
	{"HTTP_GET", "HTTP_GET {\n url {\n path /\n status_code 200\n }\n connect_timeout 3\n retry 0\n }"},
}

// checked is what was measured of one daemon.
type checked struct {
	rate, cost float64 // checks a second, µs of CPU for each
	most, last float64 // connections in TIME_WAIT, of all samples and at the end
	theirs     float64 // the same on the servers' side, at the end
	resets     float64 // sent by the checker, for each check
	memory     float64 // MB
}

// benchChecks has ten thousand servers checked every second. keepalived's
// checker ends at once where the kernel has no IPVS; then we are alone.
func benchChecks(pair [2]daemon) error {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		return fmt.Errorf("%w (apt-get install nginx-light)", err)
	}
	for _, kind := range checkKinds {
		them, err := manyChecks(pair[0], nginx, kind.block)
		if err != nil {
			fmt.Printf("\nkeepalived is left out (has this kernel IPVS?): %v\n", err)
		}
		us, err := manyChecks(pair[1], nginx, kind.block)
		if err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
		heading(fmt.Sprintf("%d servers, each with a %s a second", checkedServers, kind.name))
		for _, r := range []struct {
			what, unit string
			of         func(checked) float64
		}{
			{"checks", "/s", func(c checked) float64 { return c.rate }},
			{"CPU for each", "µs", func(c checked) float64 { return c.cost }},
			{"memory", "MB", func(c checked) float64 { return c.memory }},
			{"TIME_WAIT of the checker, most", "", func(c checked) float64 { return c.most }},
			{"TIME_WAIT of the checker, at the end", "", func(c checked) float64 { return c.last }},
			{"TIME_WAIT of the servers, at the end", "", func(c checked) float64 { return c.theirs }},
			{"resets sent for each", "", func(c checked) float64 { return c.resets }},
		} {
			row(r.what, r.unit, []float64{r.of(them)}, []float64{r.of(us)})
		}
	}
	return nil
}

// manyChecks lets a daemon check for a while.
func manyChecks(d daemon, nginx, block string) (c checked, err error) {
	l, err := lab.New(lab.Options{})
	if err != nil {
		return c, err
	}
	defer func() { _ = l.Close() }()
	checker, servers, err := checkNodes(l, nginx)
	if err != nil {
		return c, err
	}
	p, err := checker.Daemon([]string{d.path}, d.name, manyChecked(d.name == "holdfast", block))
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		return c, err
	}
	time.Sleep(checksWarm)
	before, err := counters(checker)
	if err != nil {
		return c, err
	}
	begun, used := time.Now(), cpuOf(p.PID())
	for time.Since(begun) < checksFor {
		time.Sleep(checksSample)
		now, err := counters(checker)
		if err != nil {
			return c, err
		}
		c.most, c.last = max(c.most, now["tw"]), now["tw"]
	}
	took, used := time.Since(begun).Seconds(), cpuOf(p.PID())-used
	after, err := counters(checker)
	if err != nil {
		return c, err
	}
	there, err := counters(servers)
	if !p.Up() || after["ActiveOpens"] == before["ActiveOpens"] {
		return c, fmt.Errorf("it makes no checks: %s", p.LogTail(5))
	}
	n := after["ActiveOpens"] - before["ActiveOpens"]
	c.rate, c.cost, c.resets = n/took, used/n*1e6, (after["OutRsts"]-before["OutRsts"])/n
	c.theirs, c.memory = there["tw"], memoryOf(p.PID())/1024
	return c, err
}

// checkNodes makes the checker's machine and the servers', which is one with
// many addresses.
func checkNodes(l *lab.Lab, nginx string) (checker, servers *lab.Node, err error) {
	var nodes [2]*lab.Node
	for i, name := range []string{"checker", "servers"} {
		n, err := l.Node(name, lab.Port{LAN: "lan", Name: "e0", Addresses: []string{fmt.Sprintf("10.97.0.%d/24", i+1)}})
		if err != nil {
			return nil, nil, err
		}
		nodes[i] = n
	}
	checker, servers = nodes[0], nodes[1]
	file := l.Path("web.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, webConf, l.Path("")), 0o600); err != nil {
		return nil, nil, err
	}
	for _, do := range []struct {
		at      *lab.Node
		command string
	}{
		{servers, "ip route add local 10.200.0.0/14 dev lo"},
		{checker, "ip route add 10.200.0.0/14 via 10.97.0.2"},
		{checker, "ip route add local 10.100.0.0/16 dev lo"},
		{servers, "sysctl -qw net.core.somaxconn=8192 net.ipv4.tcp_max_syn_backlog=8192"},
	} {
		words := strings.Fields(do.command)
		if out, err := do.at.Run(words[0], words[1:]...); err != nil {
			return nil, nil, fmt.Errorf("%s: %w: %s", do.command, err, out)
		}
	}
	_, err = servers.Start(nginx, "-c", file)
	return checker, servers, err
}

// manyChecked is the configuration.
func manyChecked(ours bool, block string) string {
	var b strings.Builder
	b.WriteString("global_defs {\n router_id bench\n")
	if ours {
		b.WriteString(" lvs_director none\n")
	}
	b.WriteString("}\n")
	for i := range checkedServers {
		if i%checksPerPool == 0 {
			if i > 0 {
				b.WriteString("}\n")
			}
			v := i / checksPerPool
			fmt.Fprintf(&b, "virtual_server 10.100.%d.%d 80 {\n delay_loop 1\n lb_algo rr\n lb_kind NAT\n protocol TCP\n", v/250, v%250+1)
		}
		fmt.Fprintf(&b, " real_server 10.20%d.%d.%d 8080 {\n weight 1\n %s\n }\n", i/62500, i/250%250, i%250+1, block)
	}
	b.WriteString("}\n")
	return b.String()
}

// counters reads what a node's kernel counts of TCP (/proc/net/snmp), and how
// many connections are in TIME_WAIT ("tw" of /proc/net/sockstat).
func counters(n *lab.Node) (map[string]float64, error) {
	out := map[string]float64{}
	err := n.Do(func() error {
		text, err := os.ReadFile("/proc/thread-self/net/snmp")
		if err != nil {
			return err
		}
		var names []string
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			switch {
			case f[0] != "Tcp:":
			case names == nil:
				names = f
			default:
				for i := 1; i < len(f); i++ {
					out[names[i]], _ = strconv.ParseFloat(f[i], 64)
				}
			}
		}
		text, err = os.ReadFile("/proc/thread-self/net/sockstat")
		if err != nil {
			return err
		}
		_, rest, _ := strings.Cut(string(text), "TCP: ")
		f := strings.Fields(rest)
		for i := 0; i+1 < len(f) && i < 10; i += 2 {
			out[f[i]], _ = strconv.ParseFloat(f[i+1], 64)
		}
		return nil
	})
	return out, err
}
