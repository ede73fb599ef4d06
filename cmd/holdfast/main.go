// Command holdfast keeps a service's address alive and its traffic on healthy
// servers; it reads keepalived.conf. See internal/cli for its command line.
package main

import (
	"os"

	"github.com/holdfast-ha/holdfast/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args, os.Stdin, os.Stdout, os.Stderr)) }
