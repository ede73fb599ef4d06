// Package cli is the command line: keepalived's options exactly as they are,
// and holdfast's own subcommands beside them.
//
// It reads words and hands them to the package that does the work: parent
// runs the daemon, conf reads configurations (reader.go, check.go), control
// asks a running daemon (status.go), lab builds networks. Exit codes are made
// here and in parent, nowhere else.
package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/parent"
)

// Version is set by the linker.
var Version = "dev"

// terminal is where a command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

// json prints a value.
func (t terminal) json(v any) {
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // stdout is gone: nobody to tell
}

// Main runs the command line and returns the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	t := terminal{stdin, stdout, stderr}
	name := "holdfast"
	if len(args) > 0 {
		name = filepath.Base(args[0])
		args = args[1:]
	}
	if len(args) > 0 {
		switch args[0] {
		case parent.ArgChild:
			return parent.RunChild(children())
		case parent.ArgLoad:
			return parent.RunReader(&reader{})
		case parent.ArgDump:
			return parent.RunWriter(writeDump)
		}
	}
	switch {
	case name == "genhash":
		return hash(t, args)
	case len(args) > 0 && (args[0] == "-T" || args[0] == "--genhash"):
		return hash(t, args[1:])
	}
	if name == "keepalived" {
		return daemon(t, "keepalived", args)
	}
	if len(args) == 0 {
		fmt.Fprint(stderr, helpText)
		return parent.ExitFatal
	}
	if strings.HasPrefix(args[0], "-") {
		return daemon(t, "holdfast", args)
	}
	for _, c := range subcommands() {
		if c.name == args[0] {
			return c.run(t, args[1:])
		}
	}
	fmt.Fprintf(stderr, "holdfast: there is no command %q; `holdfast help` lists them\n", args[0])
	return parent.ExitFatal
}

// command is one of holdfast's own subcommands.
type command struct {
	name string
	run  func(t terminal, args []string) int
}

func subcommands() []command {
	return []command{
		{"check", check},
		{"config", configCommand},
		{"status", status},
		{"server", server},
		{"hash", hash},
		{"simulate", simulate},
		{"explain", explain},
		{"lab", runLab},
		{"completion", completion},
		{"version", func(t terminal, _ []string) int { return printVersion(t.out) }},
		{"help", func(t terminal, _ []string) int {
			fmt.Fprint(t.out, helpText)
			return parent.ExitOK
		}},
	}
}

func printVersion(w io.Writer) int {
	fmt.Fprintf(w, "holdfast %s (takes the configuration and command line of keepalived 2.4)\n", Version)
	return parent.ExitOK
}

// hostID is the default configuration id: the host's name without its domain.
func hostID() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	name, _, _ = strings.Cut(name, ".")
	return name
}
