// Package corpus holds configurations from the field against what keepalived
// said of them: the same verdict, and a word about every line that it
// complained about.
//
// The files are not ours to hand on, so they are not in this tree: CORPUS
// names a folder with *.conf and verdicts.json ({file: {rc, out}}), by default
// ../shared/corpus beside this repository.
package corpus

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Dir is the folder of the corpus.
func Dir() string {
	if dir := os.Getenv("CORPUS"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "..", "shared", "corpus")
}

var (
	names = regexp.MustCompile(`(?m)^\s*(?:interface|dev|mcast_src_ip_if|lvs_sync_daemon_interface)\s+([\w.:-]{1,15})`)
	usual = strings.Fields("lo eth0 eth1 eth2 ens3 ens18 ens192 ens33 enp0s3 enp0s8 bond0 em1 br0")
)

// Interfaces are those of the machine that the verdicts were made on: the
// usual ones, and what the file names.
func Interfaces(text string) []string {
	out := slices.Clone(usual)
	for _, n := range names.FindAllStringSubmatch(text, -1) {
		name, _, _ := strings.Cut(n[1], ":")
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
