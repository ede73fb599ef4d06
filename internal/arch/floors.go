// Package arch holds the house: which floor a package lives on, what it may
// import, and what a pure package must not touch. Its tests read the tree.
package arch

import "strings"

// floors lists every package by floor, lowest first; a folder stands for what
// is below it too. Imports go down only.
var floors = [][]string{
	{"clock", "diag", "event"},
	{"wire", "conf", "feed"},
	{"vrrp", "bfd", "track", "check", "lvs", "watch", "reconcile"},
	{"build", "lint", "plan", "explain", "sim", "dump",
		"raw", "loop", "bell", "bus", "socket", "kernel", "proc", "ipc", "files", "probe", "director", "notify"},
	{"vrrpd", "checkd", "bfdd", "proxyd", "outletd", "control"},
	{"parent", "lab", "cli"},
	{"arch"},
}

// neighbours are the imports within one floor that are meant.
var neighbours = map[string][]string{
	"event":    {"clock"}, // an event has an instant
	"vrrp":     {"track"}, // what a weight means
	"lint":     {"build"}, // what the machines would be told
	"plan":     {"build"},
	"sim":      {"build"},
	"probe":    {"proc", "raw"}, // misc runs a program; checks over TCP are many
	"ipc":      {"bus"},
	"notify":   {"bus", "proc", "dump", "kernel"}, // snmp tells of routes and states
	"cli":      {"parent", "lab"},
	"socket":   {"loop"},
	"loop":     {"raw"}, // its sleep
	"director": {"ipc"},
	"files":    {"proc"}, // what only root can change
}

// pure are the packages that decide: same input, same output, anywhere.
var pure = []string{
	"clock", "diag", "event", "wire", "conf", "feed", "vrrp", "bfd", "track",
	"check", "lvs", "watch", "reconcile", "build", "lint", "plan", "explain", "sim", "dump",
}

// impure are the imports that no pure package has. net/netip is a value type
// and allowed; math/rand only in the simulator, which owns a seeded source.
var impure = []string{
	"context", "log", "log/slog", "math/rand", "math/rand/v2", "net", "net/http",
	"os", "os/exec", "sync", "sync/atomic", "syscall", "golang.org/x/sys/unix",
}

// allowed are the exceptions, each with its reason.
var allowed = map[string]map[string]string{
	"event": {"log/slog": "for the type Level, a number"},
	"sim":   {"math/rand/v2": "its own seeded generator, never the global one"},
}

const module = "github.com/holdfast-ha/holdfast/internal/"

// folder returns the first folder below internal of an import path or of a
// path relative to internal, and whether there is one.
func folder(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, module)
	if !ok {
		return "", false
	}
	name, _, _ := strings.Cut(rest, "/")
	return name, true
}

// floorOf returns the number of the floor on which a folder lives, -1 if none.
func floorOf(name string) int {
	for i, f := range floors {
		for _, n := range f {
			if n == name {
				return i
			}
		}
	}
	return -1
}
