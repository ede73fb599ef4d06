// How every command reads its options; keepalived's own are in flags.go.

package cli

import (
	"fmt"

	"github.com/spf13/pflag"
)

// newOptions begins the options of a command.
func newOptions(t terminal, command string) *pflag.FlagSet {
	set := pflag.NewFlagSet(command, pflag.ContinueOnError)
	set.Usage = func() {}
	set.SetOutput(t.err)
	return set
}

// parse reads a command's options. done tells that nothing is left to do: help
// was asked for, or an option was wrong.
func parse(t terminal, set *pflag.FlagSet, args []string, help *bool, usage string) (code int, done bool) {
	err := set.Parse(args)
	switch {
	case *help:
		fmt.Fprint(t.out, usage)
		return exitFine, true
	case err != nil:
		fmt.Fprintf(t.err, "holdfast %s: %v\n", set.Name(), err)
		return exitUnread, true
	}
	return exitFine, false
}
