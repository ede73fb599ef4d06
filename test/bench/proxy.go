// The embedded director beside HAProxy in TCP mode: connections, requests,
// bulk, added latency, CPU and memory. Without HAProxy there is nothing to
// compare with, and the part is skipped.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lab"
)

const (
	proxyNode  = "10.98.0.1"
	proxyHA    = proxyNode + ":8001"
	proxyOurs  = proxyNode + ":8002"
	serverAddr = "10.98.0.2:9000"
	// clockTicks are in a second of /proc/PID/stat (sysconf(_SC_CLK_TCK)).
	clockTicks = 100
)

const haproxyConf = `global
    maxconn 5000
defaults
    mode tcp
    option splice-auto
    option clitcpka
    option srvtcpka
    timeout connect 4s
    timeout client 1h
    timeout server 1h
listen bench
    bind ` + proxyHA + `
    balance leastconn
    server s1 ` + serverAddr + `
`

const proxyConf = `global_defs {
    router_id bench
    lvs_director proxy
}
virtual_server 10.98.0.1 8002 {
    lb_algo wlc
    lb_kind NAT
    protocol TCP
    real_server 10.98.0.2 9000 {
        weight 1
    }
}
`

// proxies are both, on one node between a client and a server.
type proxies struct {
	lab    *lab.Lab
	client *lab.Node
	self   string
	pid    [2]int // HAProxy, holdfast
}

// proxyTurns is one kind of measurement: values by proxy, and of the way
// without one.
type proxyTurns struct {
	direct []float64
	by     [2][]float64
}

func benchProxy(ours string, turns int, length float64) error {
	haproxy, err := exec.LookPath("haproxy")
	if err != nil {
		fmt.Println("\nproxy: skipped, haproxy is not here (apt-get install haproxy)")
		return nil // said
	}
	p, err := newProxies(haproxy, ours)
	if err != nil {
		return err
	}
	defer func() { _ = p.lab.Close() }()
	heads("proxy, one server, client and server on the same machine", "HAProxy", "holdfast")
	if err := p.memory(2000); err != nil { // before they have grown
		return err
	}
	for _, c := range []struct {
		what, unit string
		kind       byte
		parallel   int
		value      func(played) float64
	}{
		{"connections, 32 at a time", "k/s", wantOne, 32, func(p played) float64 { return float64(p.Done) / p.Seconds / 1e3 }},
		{"requests, 32 kept connections", "k/s", wantMany, 32, func(p played) float64 { return float64(p.Done) / p.Seconds / 1e3 }},
		{"bulk, 4 connections", "GB/s", wantBulk, 4, func(p played) float64 { return float64(p.Done) / p.Seconds / 1e9 }},
	} {
		if err := p.rates(c.what, c.unit, c.kind, c.parallel, c.value, turns, length); err != nil {
			return err
		}
	}
	return p.latency(turns, length)
}

func newProxies(haproxy, ours string) (*proxies, error) {
	l, err := lab.New(lab.Options{})
	if err != nil {
		return nil, err
	}
	p := &proxies{lab: l}
	if err := p.build(haproxy, ours); err != nil {
		_ = l.Close()
		return nil, err
	}
	return p, nil
}

func (p *proxies) build(haproxy, ours string) (err error) {
	if p.self, err = os.Executable(); err != nil {
		return err
	}
	var nodes [3]*lab.Node
	for i, name := range []string{"proxy", "server", "client"} {
		nodes[i], err = p.lab.Node(name, lab.Port{LAN: "lan", Name: "e0", Addresses: []string{fmt.Sprintf("10.98.0.%d/24", i+1)}})
		if err == nil {
			err = nodes[i].Sysctl("net/ipv4/ip_local_port_range", "1024 65535")
		}
		if err != nil {
			return err
		}
	}
	p.client = nodes[2]
	if _, err = nodes[1].Start(p.self, "play", "server", serverAddr); err != nil {
		return err
	}
	file := p.lab.Path("haproxy.cfg")
	if err = os.WriteFile(file, []byte(haproxyConf), 0o600); err != nil {
		return err
	}
	ha, err := nodes[0].Start(haproxy, "-db", "-f", file)
	if err != nil {
		return err
	}
	d, err := nodes[0].Daemon([]string{ours}, "holdfast", proxyConf)
	if err == nil {
		err = d.Start()
	}
	if err != nil {
		return err
	}
	p.pid = [2]int{ha.PID(), d.PID()}
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err = nil
		for _, to := range []string{serverAddr, proxyHA, proxyOurs} {
			if r, e := p.play(wantMany, to, 1, 0.05); e != nil || r.Done == 0 {
				err = errors.Join(fmt.Errorf("%s does not answer: %s %s", to, ha.Output(), d.LogTail(5)), e)
			}
		}
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

// play lets a client work and returns what it tells.
func (p *proxies) play(kind byte, to string, parallel int, seconds float64) (out played, err error) {
	text, err := p.client.Run(p.self, "play", "client", string(kind), to, strconv.Itoa(parallel), strconv.FormatFloat(seconds, 'f', -1, 64))
	if err != nil {
		return out, fmt.Errorf("%w: %.300s", err, text)
	}
	return out, json.Unmarshal([]byte(text), &out)
}

var proxyAddrs = [2]string{proxyHA, proxyOurs}

// rates measures how much gets through, and what it costs in the proxy.
func (p *proxies) rates(what, unit string, kind byte, parallel int, value func(played) float64, turns int, length float64) error {
	var rate, cpu proxyTurns
	var failed [2]uint64
	for range turns {
		for i, to := range proxyAddrs {
			before := cpuOf(p.pid[i])
			r, err := p.play(kind, to, parallel, length)
			if err != nil {
				return err
			}
			used := cpuOf(p.pid[i]) - before
			rate.by[i] = append(rate.by[i], value(r))
			cpu.by[i] = append(cpu.by[i], used/float64(max(r.Done, 1)))
			failed[i] += r.Failed
		}
	}
	row(what, unit, rate.by[0], rate.by[1])
	scale, each := 1e6, "µs each"
	if kind == wantBulk {
		scale, each = 1e9, "s a GB"
	}
	for i := range cpu.by {
		for j := range cpu.by[i] {
			cpu.by[i][j] *= scale
		}
	}
	row("  its CPU", each, cpu.by[0], cpu.by[1])
	if kind != wantBulk && failed != [2]uint64{} {
		fmt.Printf("  failed: %d / %d\n", failed[0], failed[1])
	}
	return nil
}

// latency measures one request at a time on a few connections.
func (p *proxies) latency(turns int, length float64) error {
	var p50, p99 proxyTurns
	for range turns {
		for i, to := range []string{serverAddr, proxyHA, proxyOurs} {
			r, err := p.play(wantMany, to, 2, length)
			if err != nil {
				return err
			}
			a, b := quantile(r.Took, 0.5), quantile(r.Took, 0.99)
			if i == 0 {
				p50.direct, p99.direct = append(p50.direct, a), append(p99.direct, b)
				continue
			}
			p50.by[i-1] = append(p50.by[i-1], a-p50.direct[len(p50.direct)-1])
			p99.by[i-1] = append(p99.by[i-1], b-p99.direct[len(p99.direct)-1])
		}
	}
	row("added latency, median of 2 connections", "µs", p50.by[0], p50.by[1])
	row("added latency, p99", "µs", p99.by[0], p99.by[1])
	return nil
}

// memory measures what n idle connections add to the resident memory.
func (p *proxies) memory(n int) error {
	var each [2][]float64
	for i, to := range proxyAddrs {
		before := memoryOf(p.pid[i])
		c, err := p.client.Start("/bin/sh", "-c", fmt.Sprintf("sleep 1000 | %s play idle %s %d", p.self, to, n))
		if err != nil {
			return err
		}
		for end := time.Now().Add(patience); !strings.Contains(c.Output(), "held"); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) || !c.Running() {
				return fmt.Errorf("%d idle connections to %s: %s", n, to, c.Output())
			}
		}
		time.Sleep(time.Second)
		each[i] = append(each[i], (memoryOf(p.pid[i])-before)/float64(n))
		c.KillTree()
	}
	row(fmt.Sprintf("memory of an idle connection (of %d)", n), "kB", each[0], each[1])
	return nil
}

// cpuOf is the time that a process and those below it have used, in seconds.
func cpuOf(pid int) float64 {
	sum := 0.0
	if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
		f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		for _, at := range []int{11, 12} { // utime, stime (proc(5))
			n, _ := strconv.ParseFloat(f[at], 64)
			sum += n / clockTicks
		}
	}
	for _, child := range lab.Children(pid) {
		sum += cpuOf(child)
	}
	return sum
}

// memoryOf is the anonymous memory of a process and those below it, in kB.
func memoryOf(pid int) float64 {
	sum := 0.0
	if text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status")); err == nil {
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
				n, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
				sum += n
			}
		}
	}
	for _, child := range lab.Children(pid) {
		sum += memoryOf(child)
	}
	return sum
}
