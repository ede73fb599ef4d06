package cli

import (
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/print"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

const configUsage = `Usage: holdfast config COMMAND …

  dump [--json] [--secrets] [--here] [-i ID] FILE
                  print what a configuration comes to: includes, definitions
                  and conditions resolved, what keepalived would ignore left out
  diff [--json] [--here] [-i ID] OLD NEW
                  say what a reload from OLD to NEW does, without doing it
  fmt [-w | -l] [FILE…]
                  lay out files, keeping comments; standard input without FILE
  grammar vim|textmate
                  print what makes an editor know the keywords

      --json          one JSON object; dump fills in every default and says
                      where each value comes from
      --secrets       print passwords, which are masked otherwise; only then
                      does the output load as the same configuration
      --here          leave out what this machine has no interface, user or
                      script for
  -i, --config-id=ID  for lines that begin with @ID; the host's name by default
  -w                  write the files, atomically, keeping mode and owner
  -l                  only list the files that are not laid out so

Exit status
  dump  0 fine, 1 the configuration has errors, 2 it cannot be read or run
  diff  0 nothing changes, 1 something does, 2 a file cannot be read or run
  fmt   0 fine, 1 with -l: there are such files, 2 a file cannot be read or written
`

// configCommand is `holdfast config COMMAND`.
func configCommand(t terminal, args []string) int {
	commands := map[string]func(terminal, *configFlags, []string) int{"dump": configDump, "diff": configDiff, "fmt": configFmt, "grammar": configGrammar}
	if len(args) == 0 {
		fmt.Fprint(t.err, configUsage)
		return exitUnread
	}
	var f configFlags
	set := f.set(t)
	err := set.Parse(args)
	if f.help || args[0] == "help" {
		fmt.Fprint(t.out, configUsage)
		return exitFine
	}
	if err != nil {
		fmt.Fprintf(t.err, "holdfast config: %v\n", err)
		return exitUnread
	}
	run := commands[set.Arg(0)]
	if run == nil {
		fmt.Fprintf(t.err, "holdfast config: there is no command %q; it is dump, diff, fmt or grammar\n", set.Arg(0))
		return exitUnread
	}
	return run(t, &f, set.Args()[1:])
}

// configFlags are the options of all `holdfast config` commands.
type configFlags struct {
	json, secrets, here, write, list, help bool
	id                                     string
}

func (f *configFlags) set(t terminal) *pflag.FlagSet {
	s := newOptions(t, "config")
	s.BoolVar(&f.json, "json", false, "")
	s.BoolVar(&f.secrets, "secrets", false, "")
	s.BoolVar(&f.here, "here", false, "")
	s.BoolVarP(&f.write, "write", "w", false, "")
	s.BoolVarP(&f.list, "list", "l", false, "")
	s.StringVarP(&f.id, "config-id", "i", hostID(), "")
	s.BoolVarP(&f.help, "help", "h", false, "")
	return s
}

func (f *configFlags) options() conf.Options {
	o := conf.Options{ConfigID: f.id, Env: os.Getenv, Dir: absolute(".")}
	if f.here {
		o.System = system
	}
	return o
}

// load loads a file; its errors are counted, what is fatal is told.
func (f *configFlags) load(t terminal, files source.Files, name string) (cfg *conf.Config, code int) {
	cfg, found := conf.Load(files, name, f.options())
	if found.Count(diag.Fatal) > 0 {
		for i := range found {
			if found[i].Severity == diag.Fatal {
				fmt.Fprintln(t.err, found[i])
			}
		}
		return cfg, exitUnread
	}
	if n := found.Count(diag.Error); n > 0 {
		fmt.Fprintf(t.err, "%s: %s; `holdfast check` shows them\n", name, diag.Counted(n, "error"))
		return cfg, exitProblems
	}
	return cfg, exitFine
}

func configDump(t terminal, f *configFlags, args []string) int {
	if len(args) != 1 {
		fmt.Fprintln(t.err, "holdfast config dump: one FILE is needed")
		return exitUnread
	}
	shortLife()
	once := source.NewRecorder(disk)
	cfg, code := f.load(t, once, args[0])
	if code == exitUnread {
		return code
	}
	if f.json {
		_, _ = t.out.Write(print.JSON(print.Tree(cfg), print.NewOrigins(once.Set(), args[0], f.options()), f.secrets))
	} else {
		fmt.Fprint(t.out, print.Text(print.Tree(cfg), f.secrets))
	}
	return code
}
