// Command bench measures holdfast beside Debian's keepalived, in the same run
// and under the same configuration, and prints ratios; the embedded director
// beside HAProxy.
//
// It asserts nothing: a number depends on the machine, a ratio mostly doesn't.
// The two daemons take turns (A B A B), so that what else the machine does
// falls on both. Run it as root on an otherwise idle machine: make bench.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// daemon is one of the two that are compared.
type daemon struct {
	name string
	path string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "play" {
		if err := play(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "play:", err)
			os.Exit(1)
		}
		return
	}
	runs := flag.Int("runs", 30, "fail-overs of each kind and daemon at 10 ms adverts")
	slow := flag.Int("slow-runs", 5, "fail-overs of each kind and daemon at 1 s adverts")
	turns := flag.Int("turns", 5, "turns of each proxy")
	length := flag.Float64("seconds", 4, "length of a turn of a proxy")
	sleeps := flag.String("sleeps", "0.1,0.5,1,5,20,60", "how long a router is stopped, in seconds and by comma")
	adverts := flag.String("sleep-adverts", "0.01,0.1,1", "intervals at which a router is stopped, in seconds and by comma")
	who := flag.String("sleepers", "backup,lone,master", "who is stopped, by comma: backup, lone (a master alone), master (with a backup)")
	naps := flag.Int("sleep-runs", 1, "sleeps of each length, interval and daemon")
	reloads := flag.Int("reloads", 10, "reloads of each daemon")
	only := flag.String("only", "load,failover,reload,checks,proxy", "what to measure, by name and comma: load, failover, reload, checks, proxy, asleep")
	ours := flag.String("holdfast", "bin/holdfast", "the binary to measure")
	theirs := flag.String("keepalived", "/usr/sbin/keepalived", "the binary to compare with")
	flag.Parse()

	what := measures{
		"load":     benchLoad,
		"failover": func(pair [2]daemon) error { return benchFailover(pair, *runs, *slow) },
		"checks":   benchChecks,
		"reload":   func(pair [2]daemon) error { return benchReload(pair, *reloads) },
		"proxy":    func(pair [2]daemon) error { return benchProxy(pair[1].path, *turns, *length) },
		"asleep":   func(pair [2]daemon) error { return asleep(pair, *who, *adverts, *sleeps, *naps) },
	}
	if err := run(*only, what, *theirs, *ours); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// measures are what can be measured, by name.
type measures map[string]func(pair [2]daemon) error

func run(only string, by measures, theirs, ours string) error {
	ours, err := filepath.Abs(ours)
	if err != nil {
		return err
	}
	pair := [2]daemon{{"keepalived", theirs}, {"holdfast", ours}}
	for _, d := range pair {
		if _, err := os.Stat(d.path); err != nil {
			return fmt.Errorf("%s is not here: %w (apt-get install keepalived; make build)", d.name, err)
		}
	}
	for what := range strings.SplitSeq(only, ",") {
		measure := by[what]
		if measure == nil {
			return fmt.Errorf("%q: expected load, failover, reload, checks, proxy or asleep", what)
		}
		if err := measure(pair); err != nil {
			return err
		}
	}
	return nil
}

func asleep(pair [2]daemon, who, adverts, sleeps string, runs int) error {
	at, err := durations(adverts)
	if err != nil {
		return err
	}
	lengths, err := durations(sleeps)
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(who, ",") {
		sleeper, known := sleepers[name]
		if !known {
			return fmt.Errorf("%q: expected backup, lone or master", name)
		}
		if err := benchAsleep(pair, sleeper, at, lengths, runs); err != nil {
			return err
		}
	}
	return nil
}
