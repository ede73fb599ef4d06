// Package cli is the command line: keepalived's flags and holdfast's own
// subcommands, each handed to the package that does it.
package cli

import (
	"fmt"
	"io"
)

// Version is set by the linker.
var Version = "dev"

// Main runs the command line and returns the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	fmt.Fprintln(stderr, "holdfast", Version)
	return 1
}
