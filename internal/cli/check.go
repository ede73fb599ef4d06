package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/parent"
)

// Exit codes of `holdfast check`.
const (
	exitFine     = 0
	exitProblems = 1 // errors; with --strict warnings too
	exitUnread   = 2 // a file that cannot be read, or wrong arguments
)

const checkUsage = `Usage: holdfast check [--strict] [--json] [--here] [-i ID] FILE…

Says everything that is wrong with a configuration, in one pass.

      --strict        warnings count as errors
      --json          one JSON object on stdout
      --here          also ask whether this machine has the interfaces, users and scripts
  -i, --config-id=ID  for lines that begin with @ID; the host's name by default

Exit status: 0 fine, 1 there are errors, 2 a file cannot be read.
`

// checked is the outcome for one file, and its JSON.
type checked struct {
	File     string          `json:"file"`
	Errors   int             `json:"errors"`
	Warnings int             `json:"warnings"`
	Problems json.RawMessage `json:"problems"` // as package diag writes them

	found   diag.List
	summary string
}

// check is `holdfast check FILE…`.
func check(t terminal, args []string) int {
	set := pflag.NewFlagSet("check", pflag.ContinueOnError)
	set.Usage = func() {}
	set.SetOutput(t.err)
	strict := set.Bool("strict", false, "")
	asJSON := set.Bool("json", false, "")
	here := set.Bool("here", false, "")
	id := set.StringP("config-id", "i", hostID(), "")
	help := set.BoolP("help", "h", false, "")
	err := set.Parse(args)
	switch {
	case *help:
		fmt.Fprint(t.out, checkUsage)
		return exitFine
	case err != nil:
		fmt.Fprintf(t.err, "holdfast check: %v\n", err)
		return exitUnread
	case set.NArg() == 0:
		fmt.Fprint(t.err, checkUsage)
		return exitUnread
	}
	shortLife()
	opts := conf.Options{ConfigID: *id, Env: os.Getenv}
	if *here {
		opts.System = system
	}
	code := exitFine
	results := make([]checked, 0, set.NArg())
	for _, file := range set.Args() {
		c := checkFile(file, opts)
		code = max(code, c.code(*strict))
		results = append(results, c)
	}
	printChecked(t, results, *asJSON)
	return code
}

func checkFile(file string, opts conf.Options) checked {
	cfg, found := conf.Load(disk, file, opts)
	errors := found.Count(diag.Error)
	return checked{
		File: file, Errors: errors, Warnings: found.Count(diag.Warning) - errors,
		Problems: diag.JSON(found), found: found, summary: summary(cfg),
	}
}

func (c *checked) code(strict bool) int {
	switch {
	case c.found.Count(diag.Fatal) > 0:
		return exitUnread
	case c.Errors > 0, strict && c.Warnings > 0:
		return exitProblems
	}
	return exitFine
}

func printChecked(t terminal, results []checked, asJSON bool) {
	if asJSON {
		e := json.NewEncoder(t.out)
		e.SetIndent("", "  ")
		_ = e.Encode(map[string]any{"version": api.Version, "files": results}) // stdout is gone: nobody to tell
		return
	}
	for i := range results {
		c := &results[i]
		_ = diag.Print(t.out, c.found)
		verdict := "no problems"
		if c.Errors+c.Warnings > 0 {
			verdict = count(c.Errors, "error") + ", " + count(c.Warnings, "warning")
		}
		fmt.Fprintf(t.out, "%s: %s (%s)\n", c.File, verdict, c.summary)
	}
}

// summary says in one clause what a configuration holds.
func summary(cfg *conf.Config) string {
	var r parent.Report
	reportVRRP(&r, cfg)
	servers := 0
	for _, v := range cfg.VirtualServers {
		servers += len(v.Servers)
	}
	return strings.Join([]string{
		count(r.Instances, "VRRP instance"), count(r.AddressesIn, "virtual address"),
		count(len(cfg.VirtualServers), "virtual server"), count(servers, "real server"),
	}, ", ")
}

func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "s"):
		return fmt.Sprintf("%d %ses", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}
