package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/control"
	"github.com/holdfast-ha/holdfast/internal/diag"
	explaining "github.com/holdfast-ha/holdfast/internal/explain"
	"github.com/holdfast-ha/holdfast/internal/lint"
)

const explainUsage = `Usage: holdfast explain [OPTION…] [NAME]
       holdfast explain ID…

Asks the running daemon what happened and why: what was heard, what expired,
which track changed a priority, who became master; and then why this router is
master now, or is not, and what would happen if the master failed; of a service
which servers are in or out, and why. NAME is an instance, a sync group, a
virtual service, a real server, a BFD session or anything else that is tracked
(a script, a process, a file); without it everything is told. Services and
servers may be named in short: 192.0.2.1, 10.0.0.1:80. The daemon keeps the
latest records of each of its processes, also while these are started again.

With the ID of something that check found, such as HF010, says more about that.

      --last=N         so many records at most, 100 by default; 0 is all
      --json           as JSON
      --control=PATH   the daemon's control socket, /run/keepalived.sock by default
  -p, --pid=FILE       the daemon's pid file, in the place of --control

Exit status: 0, 1 if no daemon answers or it has no NAME.
`

// explainFlags are the options of `holdfast explain`.
type explainFlags struct {
	asking
	last int
}

// explain is `holdfast explain [NAME]`, and `holdfast explain ID…`.
func explain(t terminal, args []string) int {
	var f explainFlags
	set := newOptions(t, "explain")
	set.IntVar(&f.last, "last", 100, "")
	f.add(set)
	if code, done := parse(t, set, args, &f.help, explainUsage); done {
		return code
	}
	switch {
	case set.NArg() > 0 && isID(set.Arg(0)):
		return explainIDs(t, set.Args())
	case set.NArg() > 1:
		fmt.Fprint(t.err, explainUsage)
		return exitUnread
	}
	return f.history(t, set.Arg(0))
}

// history asks the daemon and prints what it answers about name.
func (f *explainFlags) history(t terminal, name string) int {
	e, ok := ask(t, &f.asking, "explain", control.Explain)
	if !ok {
		return 1
	}
	about, ok := explaining.About(&e.Status, name)
	if !ok {
		return unknownName(t, "explain", name)
	}
	e.Records = about.Select(e.Records)
	earlier := 0
	if f.last > 0 {
		earlier = max(len(e.Records)-f.last, 0)
		e.Records = e.Records[earlier:]
	}
	why := about.Why(&e.Status, e.At)
	about.Trim(&e.Status)
	if f.json {
		explainJSON(t, &e, why)
		return exitFine
	}
	printHistory(t.out, &e, why, earlier)
	return exitFine
}

func explainJSON(t terminal, e *api.Explanation, passages []explaining.Passage) {
	why := map[string][]string{}
	for _, p := range passages {
		why[p.Name] = append(why[p.Name], p.Lines...)
	}
	t.json(struct {
		*api.Explanation
		Why map[string][]string `json:"why"` // by instance, service or session
	}{e, why})
}

// printHistory is an explanation for a person.
func printHistory(w io.Writer, e *api.Explanation, why []explaining.Passage, earlier int) {
	switch {
	case earlier > 0:
		fmt.Fprintf(w, "(%s before these; --last=0 shows all)\n", diag.Counted(earlier, "record"))
	case e.Lost > 0:
		fmt.Fprintln(w, "(older records are no longer kept)")
	}
	for _, line := range explaining.Timeline(e.Records) {
		fmt.Fprintln(w, line)
	}
	for _, p := range why {
		fmt.Fprintf(w, "\n%s\n", strings.Join(p.Lines, "\n"))
	}
	if silent := explaining.Silent(&e.Status, e.At); len(silent) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(silent, "\n"))
	}
}

// isID reports whether a word is the id of a diagnostic, or looks like one.
func isID(word string) bool {
	digits, ok := strings.CutPrefix(strings.ToUpper(word), "HF")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// explainIDs says more about what check found; without an ID it lists all.
func explainIDs(t terminal, args []string) int {
	if len(args) == 0 {
		for _, id := range ids() {
			text, _ := explanation(id)
			first, _, _ := strings.Cut(text, "\n")
			fmt.Fprintf(t.out, "%s  %s\n", id, first)
		}
		return exitFine
	}
	code := exitFine
	for _, id := range args {
		text, ok := explanation(id)
		if !ok {
			fmt.Fprintf(t.err, "holdfast explain: there is no %q; `holdfast check --explain` lists what there is\n", id)
			code = exitUnread
			continue
		}
		fmt.Fprintf(t.out, "%s\n%s\n", strings.ToUpper(id), text)
	}
	return code
}

// ids are those of the language's problems, then those of lints.
func ids() []string {
	all := diag.IDs()
	for _, r := range lint.Rules() {
		all = append(all, r.ID)
	}
	return all
}

func explanation(id string) (string, bool) {
	if text, ok := diag.Explain(id); ok {
		return text, true
	}
	return lint.Explain(id)
}
