package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/control"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

const serverUsage = `Usage: holdfast server drain|disable|enable VS RS
       holdfast server weight VS RS WEIGHT
       holdfast server list
       holdfast server clear [VS]

Says what becomes of a real server, whatever the configuration has. It holds
over reloads and restarts, until it is taken back.

  drain     no new connections; those that it has go on. With drain SECONDS in
            the configuration it goes when they have ended or the time is up
  disable   out at once
  weight    another weight, 0 to 65535
  enable    take back what was said of it
  list      what was said of whom, since when and why
  clear     take back everything, or what was said of the servers of one VS

VS and RS are names as "holdfast status" prints them, or so much of them that
only one fits: 192.0.2.1, 192.0.2.1:80, fwm7; 10.0.0.1, [2001:db8::1]:80. With
"all" in the place of VS, every virtual server that has such a real server.
A failing check takes a server out in any case.

      --why=TEXT       the reason, for those who look at the status
      --json           the answer as JSON
      --control=PATH   the daemon's control socket, /run/keepalived.sock by default
  -p, --pid=FILE       the daemon's pid file, in the place of --control

Exit status: 0, or 1 if it was not done.
`

// serverFlags are the options of `holdfast server`.
type serverFlags struct {
	asking
	why string
}

// server is `holdfast server`.
func server(t terminal, args []string) int {
	var f serverFlags
	set := newOptions(t, "server")
	set.StringVar(&f.why, "why", "", "")
	f.add(set)
	if code, done := parse(t, set, args, &f.help, serverUsage); done {
		return code
	}
	c, err := serverCommand(set)
	if err != nil {
		more := "`holdfast server --help` says how it goes\n"
		if c.Action == "" {
			more = serverUsage
		}
		fmt.Fprintf(t.err, "holdfast server: %v\n%s", err, more)
		return exitUnread
	}
	if c.Action == "list" {
		s, ok := ask(t, &f.asking, "server", control.Status)
		if !ok {
			return 1
		}
		f.list(t, s.Overrides)
		return exitFine
	}
	c.Why = strings.Join(strings.Fields(f.why), " ") // one line
	a, ok := ask(t, &f.asking, "server", func(ctx context.Context, socket string) (api.ServerAnswer, error) {
		return control.Order(ctx, socket, c)
	})
	if !ok {
		return 1
	}
	f.print(t, &c, &a)
	return exitFine
}

// serverCommand reads the words.
func serverCommand(set *pflag.FlagSet) (c api.ServerCommand, err error) {
	wanted := map[string]int{
		"list": 1, api.ServerClear: 1, api.ServerDrain: 3, api.ServerDisable: 3, api.ServerEnable: 3, api.ServerWeight: 4,
	}
	c.Action = set.Arg(0)
	n, known := wanted[c.Action]
	switch {
	case c.Action == "":
		return c, errors.New("what is to be done?")
	case !known:
		return c, fmt.Errorf("there is no %q; there is drain, disable, enable, weight, list and clear", c.Action)
	case set.NArg() != n && (c.Action != api.ServerClear || set.NArg() > 2):
		return c, fmt.Errorf("%s takes %s, not %d", c.Action, diag.Counted(n-1, "word"), set.NArg()-1)
	}
	c.Service, c.Server = set.Arg(1), set.Arg(2)
	if c.Action == api.ServerWeight {
		c.Weight, err = strconv.Atoi(set.Arg(3))
		if err != nil || c.Weight < 0 || c.Weight > lvs.MaxWeight {
			return c, fmt.Errorf("weight %q is not valid, expected 0 to %d", set.Arg(3), lvs.MaxWeight)
		}
	}
	return c, nil
}

func (f *serverFlags) list(t terminal, all []api.Override) {
	if f.json {
		t.json(all)
		return
	}
	if len(all) == 0 {
		fmt.Fprintln(t.out, "nothing was said of any server")
		return
	}
	tw := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "VIRTUAL SERVER\tREAL SERVER\tOVERRIDE\tFOR\tWHY")
	for i := range all {
		o := &all[i]
		absent := ""
		if o.Absent {
			absent = " (not in the configuration at present)"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s%s\n", o.Service, o.Server, overrideWord(o), ago(o.Since), or(o.Why, "-"), absent)
	}
	_ = tw.Flush() // the terminal has gone
}

func (f *serverFlags) print(t terminal, c *api.ServerCommand, a *api.ServerAnswer) {
	if a.Unsaved != "" {
		fmt.Fprintf(t.err, "holdfast server: it is done, but a restart will undo it: %s\n", a.Unsaved)
	}
	if f.json {
		t.json(a)
		return
	}
	if len(a.Done) == 0 {
		fmt.Fprintln(t.out, "nothing was said of any server")
	}
	for i := range a.Done {
		o := &a.Done[i]
		no := ""
		if c.Action == api.ServerEnable || c.Action == api.ServerClear {
			no = "no longer "
		}
		fmt.Fprintf(t.out, "%s of %s: %s%s\n", o.Server, o.Service, no, overrideWord(o))
	}
}

func overrideWord(o *api.Override) string {
	if o.Kind == api.ServerWeight {
		return fmt.Sprintf("weight %d", o.Weight)
	}
	return o.Kind
}
