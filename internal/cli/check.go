package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/lint"
	"github.com/holdfast-ha/holdfast/internal/parent"
)

// Exit codes of `holdfast check`.
const (
	exitFine     = 0
	exitProblems = 1 // errors; with --strict warnings too
	exitUnread   = 2 // a file that cannot be read, or wrong arguments
)

const checkUsage = `Usage: holdfast check [OPTION…] FILE…
       holdfast check --explain ID…

Says everything that is wrong with a configuration, in one pass. Several files
are taken for the nodes of one cluster and held against each other, too.

      --strict        warnings count as errors
      --json          one JSON object on stdout
      --sarif         SARIF 2.1.0 on stdout, for editors and CI
      --here          also ask whether this machine has the interfaces, users and scripts
  -i, --config-id=ID  for lines that begin with @ID; the host's name by default
      --no-lint       only what keepalived's test complains about
      --no-cluster    each file for itself
      --explain       say more about what was found, such as HF010

A comment silences a finding, on its line or alone above it: # holdfast: ignore HF107

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

// checkFlags are the options of `holdfast check`.
type checkFlags struct {
	strict, json, sarif, here, noLint, noCluster, explain, help bool
	id                                                          string
}

func (f *checkFlags) set() *pflag.FlagSet {
	s := pflag.NewFlagSet("check", pflag.ContinueOnError)
	s.Usage = func() {}
	for name, into := range map[string]*bool{
		"strict": &f.strict, "json": &f.json, "sarif": &f.sarif, "here": &f.here,
		"no-lint": &f.noLint, "no-cluster": &f.noCluster, "explain": &f.explain,
	} {
		s.BoolVar(into, name, false, "")
	}
	s.BoolVarP(&f.help, "help", "h", false, "")
	s.StringVarP(&f.id, "config-id", "i", hostID(), "")
	return s
}

// check is `holdfast check FILE…`.
func check(t terminal, args []string) int {
	var f checkFlags
	set := f.set()
	set.SetOutput(t.err)
	err := set.Parse(args)
	switch {
	case f.help:
		fmt.Fprint(t.out, checkUsage)
		return exitFine
	case err != nil:
		fmt.Fprintf(t.err, "holdfast check: %v\n", err)
		return exitUnread
	case f.explain:
		return explain(t, set.Args())
	case set.NArg() == 0:
		fmt.Fprint(t.err, checkUsage)
		return exitUnread
	}
	shortLife()
	r := f.run(set.Args())
	switch {
	case f.sarif:
		_, _ = t.out.Write(diag.SARIF(diag.Tool{Version: Version, Explain: explanation}, r.found())) // stdout is gone: nobody to tell
	case f.json:
		r.json(t)
	default:
		r.print(t)
	}
	return r.code(f.strict)
}

// run judges each file, and then all of them as one cluster.
func (f *checkFlags) run(files []string) (r results) {
	opts := conf.Options{ConfigID: f.id, Env: os.Getenv}
	if f.here {
		opts.System = system
	}
	var nodes []lint.Member
	for _, file := range files {
		c, node := checkFile(file, opts, !f.noLint)
		r.Files = append(r.Files, c)
		nodes = append(nodes, node)
	}
	if len(files) > 1 && !f.noCluster && !f.noLint && r.code(false) < exitUnread {
		c := judged(strings.Join(files, ", "), lint.Cluster(nodes))
		r.Cluster = &c
	}
	return r
}

// checkFile judges one file; with lints, comments silence what may be.
func checkFile(file string, opts conf.Options, lints bool) (checked, lint.Member) {
	once := source.NewRecorder(disk)
	cfg, found := conf.Load(once, file, opts)
	if lints && found.Count(diag.Fatal) == 0 {
		found = append(lint.Silence(once, found), lint.Run(cfg, lint.Options{Files: once, System: opts.System})...)
		found.InOrder()
	}
	c := judged(file, found)
	c.summary = summary(cfg)
	return c, lint.Member{Name: file, Config: cfg, Files: once}
}

func judged(what string, found diag.List) checked {
	errors := found.Count(diag.Error)
	return checked{
		File: what, Errors: errors, Warnings: found.Count(diag.Warning) - errors,
		Problems: diag.JSON(found), found: found,
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

// results are what check found in all files.
type results struct {
	Files []checked `json:"files"`
	// Cluster is what the files say together; nil if they were not compared.
	Cluster *checked `json:"cluster,omitempty"`
}

// all are the results of files and cluster.
func (r *results) all() []checked {
	if r.Cluster == nil {
		return r.Files
	}
	return append(slices.Clone(r.Files), *r.Cluster)
}

func (r *results) code(strict bool) int {
	code := exitFine
	for _, c := range r.all() {
		code = max(code, c.code(strict))
	}
	return code
}

func (r *results) found() (l diag.List) {
	for _, c := range r.all() {
		l = append(l, c.found...)
	}
	return l
}

func (r *results) json(t terminal) {
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	_ = e.Encode(struct {
		Version int `json:"version"`
		*results
	}{api.Version, r}) // stdout is gone: nobody to tell
}

func (r *results) print(t terminal) {
	for _, c := range r.Files {
		_ = diag.Print(t.out, c.found)
		fmt.Fprintf(t.out, "%s: %s (%s)\n", c.File, c.verdict(), c.summary)
	}
	if r.Cluster != nil {
		_ = diag.Print(t.out, r.Cluster.found)
		fmt.Fprintf(t.out, "as one cluster: %s (%s)\n", r.Cluster.verdict(), r.Cluster.File)
	}
}

func (c *checked) verdict() string {
	if c.Errors+c.Warnings == 0 {
		return "no problems"
	}
	return count(c.Errors, "error") + ", " + count(c.Warnings, "warning")
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
