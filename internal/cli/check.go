package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/lint"
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
      --here          this is the node: interfaces, users and scripts must be there
      --elsewhere     it is another: do not even look for scripts, as with several files
  -i, --config-id=ID  for lines that begin with @ID; the host's name by default. Given
                      several times, one file is several nodes
      --no-lint       only what keepalived's test complains about
      --no-cluster    each file for itself
      --explain       say more about what was found, such as HF010

A comment silences a finding, on its line or alone above it: # holdfast: ignore HF107

Exit status: 0 fine, 1 there are errors, 2 a file cannot be read.
`

// checkFlags are the options of `holdfast check`.
type checkFlags struct {
	strict, json, sarif, here, elsewhere, noLint, noCluster, explain, help bool
	ids                                                                    []string
}

func (f *checkFlags) set(t terminal) *pflag.FlagSet {
	s := newOptions(t, "check")
	for name, into := range map[string]*bool{
		"strict": &f.strict, "json": &f.json, "sarif": &f.sarif, "here": &f.here, "elsewhere": &f.elsewhere,
		"no-lint": &f.noLint, "no-cluster": &f.noCluster, "explain": &f.explain,
	} {
		s.BoolVar(into, name, false, "")
	}
	s.BoolVarP(&f.help, "help", "h", false, "")
	s.StringArrayVarP(&f.ids, "config-id", "i", []string{hostID()}, "")
	return s
}

// check is `holdfast check FILE…`.
func check(t terminal, args []string) int {
	var f checkFlags
	set := f.set(t)
	if code, done := parse(t, set, args, &f.help, checkUsage); done {
		return code
	}
	switch {
	case f.explain:
		return explainIDs(t, set.Args())
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

// run judges each file, under each id, and then all of them as one cluster.
func (f *checkFlags) run(files []string) (r results) {
	opts := conf.Options{Env: os.Getenv, Dir: absolute(".")}
	if f.here {
		opts.System = system
	}
	looks := lint.Options{}
	if f.here || !f.elsewhere && len(files) == 1 {
		looks.System, looks.TLS = system, tlsFiles
	}
	var nodes []lint.Member
	var names []string
	for _, file := range files {
		for _, id := range f.ids {
			opts.ConfigID = id
			c, node := checkFile(file, opts, looks, !f.noLint)
			if len(f.ids) > 1 {
				c.ConfigID, node.ID = id, id
			}
			r.Files = append(r.Files, c)
			nodes, names = append(nodes, node), append(names, c.name())
		}
	}
	if len(nodes) > 1 && !f.noCluster && !f.noLint && r.code(false) < exitUnread {
		c := judged(strings.Join(names, ", "), lint.Cluster(nodes))
		r.Cluster, r.ranking = &c, lint.Ranking(nodes)
	}
	return r
}

// checkFile judges one file; with lints, comments silence what may be.
func checkFile(file string, opts conf.Options, looks lint.Options, lints bool) (checked, lint.Member) {
	once := source.NewRecorder(disk)
	cfg, found := conf.Load(once, file, opts)
	if lints {
		looks.Files = once
		found = append(lint.Silence(once, found), lint.Run(cfg, looks)...)
		found.InOrder()
	}
	c := judged(file, found)
	c.summary = summary(cfg)
	return c, lint.Member{Name: file, Config: cfg, Files: once}
}
