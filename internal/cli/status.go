package cli

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/control"
	"github.com/holdfast-ha/holdfast/internal/diag"
	explaining "github.com/holdfast-ha/holdfast/internal/explain"
)

const statusUsage = `Usage: holdfast status [OPTION…] [NAME]

Asks the running daemon: who is master, which servers are in, and why. NAME is
what is to be shown alone: an instance, a sync group, a virtual service or the
services of a real server, in short if you like (192.0.2.1, 10.0.0.1:80).
"holdfast explain NAME" tells how it came to be so.

      --json           the whole status as JSON
      --control=PATH   the daemon's control socket, /run/keepalived.sock by default
  -p, --pid=FILE       the daemon's pid file, in the place of --control

Exit status: 0, or 1 if no daemon answers or it has no NAME.
`

// status is `holdfast status`.
func status(t terminal, args []string) int {
	var f asking
	set := newOptions(t, "status")
	f.add(set)
	if code, done := parse(t, set, args, &f.help, statusUsage); done {
		return code
	}
	if set.NArg() > 1 {
		fmt.Fprintf(t.err, "holdfast status: one NAME at a time, not %d\n%s", set.NArg(), statusUsage)
		return exitUnread
	}
	s, ok := ask(t, &f, "status", control.Status)
	if !ok {
		return 1
	}
	if name := set.Arg(0); name != "" {
		about, ok := explaining.About(&s, name)
		if !ok {
			return unknownName(t, "status", name)
		}
		about.Trim(&s)
	}
	if f.json {
		t.json(s)
		return exitFine
	}
	out := bufio.NewWriter(t.out) // a table is written cell by cell
	printStatus(out, s)
	_ = out.Flush() // the terminal has gone
	return exitFine
}

// unknownName says that nothing has the name that was asked for.
func unknownName(t terminal, command, name string) int {
	fmt.Fprintf(t.err, "holdfast %s: the daemon has no %q; `holdfast status` shows what it has\n", command, name)
	return 1
}

// printStatus is the status for a person.
func printStatus(w io.Writer, s api.Status) {
	fmt.Fprintf(w, "holdfast %s, pid %d, up %v\n", s.Holdfast, s.PID, ago(s.Started))
	fmt.Fprintf(w, "%s, loaded %v ago", s.ConfigFile, ago(s.Loaded))
	if s.ConfigID != "" {
		fmt.Fprintf(w, ", config id %s", s.ConfigID)
	}
	fmt.Fprintln(w)
	if s.Reload != nil {
		fmt.Fprintf(w, "RELOAD REFUSED %v ago, the configuration before it runs: %s\n", ago(s.Reload.At), s.Reload.Why)
	}
	printProblems(w, s.Problems)
	table(w, "PROCESS\tPID\tSTATE\tUP\tRESTARTS\tLAST END", len(s.Children), func(i int) string {
		c := &s.Children[i]
		return fmt.Sprintf("%s\t%d\t%s\t%v\t%d\t%s", c.Name, c.PID, c.State, ago(c.Started), c.Restarts, or(c.LastEnd, "-"))
	})
	for _, line := range explaining.Silent(&s, time.Now()) {
		fmt.Fprintln(w, "NOT SHOWN: "+line)
	}
	table(w, "INSTANCE\tSTATE\tFOR\tINTERFACE\tVRID\tPRIORITY\tMASTER\tCAUSE", len(s.Instances), func(i int) string {
		v := &s.Instances[i]
		return fmt.Sprintf("%s\t%s\t%v\t%s\t%d\t%s\t%s\t%s",
			v.Name, v.State, ago(v.Since), place(v), v.VRID, priority(v), master(v), or(v.Cause, "-"))
	})
	printSplits(w, s.Instances)
	printRefused(w, s.Instances)
	printOverridden(w, s.Instances)
	printReadiness(w, s.Instances)
	printTracks(w, s.Instances)
	table(w, "GROUP\tSTATE\tMEMBERS", len(s.Groups), func(i int) string {
		g := &s.Groups[i]
		return fmt.Sprintf("%s\t%s\t%s", g.Name, g.State, strings.Join(g.Members, " "))
	})
	if s.DirectorRefuses != "" {
		fmt.Fprintf(w, "NOT TAKEN by %s, so servers that are in may get nothing: %s\n", s.Director, s.DirectorRefuses)
	}
	if s.PutBack > 0 {
		fmt.Fprintf(w, "Others changed the table of %s: %s undone since the checker started\n", s.Director, diag.Counted(s.PutBack, "change"))
	}
	printBFD(w, s.BFD)
	for i := range s.Services {
		printService(w, s.Director, &s.Services[i])
	}
	table(w, "PROBE\tOF\tIS MADE ONCE FOR", len(s.Shared), func(i int) string {
		p := &s.Shared[i]
		return p.Kind + "\t" + p.Target + "\t" + explaining.Users(p)
	})
}

// maxShownProblems bounds what of a bad configuration the status repeats.
const maxShownProblems = 10

func printProblems(w io.Writer, all []api.Problem) {
	shown := 0
	for _, p := range all {
		if p.Severity == "notice" {
			continue
		}
		if shown++; shown <= maxShownProblems {
			fmt.Fprintf(w, "%s: %s:%d:%d: %s\n", p.Severity, p.File, p.Line, p.Column, p.Message)
		}
	}
	if shown > maxShownProblems {
		fmt.Fprintf(w, "and %d more: `holdfast check` shows them all\n", shown-maxShownProblems)
	}
}

// table prints rows below a heading, or nothing if there are none.
func table(w io.Writer, heading string, rows int, row func(i int) string) {
	if rows == 0 {
		return
	}
	fmt.Fprintln(w)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, heading)
	for i := range rows {
		fmt.Fprintln(tw, row(i))
	}
	_ = tw.Flush() // the terminal has gone
}

func priority(v *api.Instance) string {
	if v.Priority == v.BasePriority {
		return fmt.Sprint(v.Priority)
	}
	return fmt.Sprintf("%d (base %d)", v.Priority, v.BasePriority)
}

func master(v *api.Instance) string {
	switch {
	case v.State == "MASTER":
		return "this one"
	case v.Master == "":
		return "-"
	case v.MasterPrio == 0:
		return v.Master
	}
	return fmt.Sprintf("%s (%d)", v.Master, v.MasterPrio)
}

// printSplits shouts where two are master.
func printSplits(w io.Writer, all []api.Instance) {
	for i := range all {
		if v := &all[i]; v.Split != nil {
			fmt.Fprintf(w, "TWO MASTERS: %s is master here with priority %d, and %s is with priority %d, for %v\n",
				v.Name, v.Priority, v.Split.With, v.Split.Priority, ago(v.Split.Since))
		}
	}
}

// printRefused says whose adverts are not believed.
func printRefused(w io.Writer, all []api.Instance) {
	for i := range all {
		if v := &all[i]; v.Refused != nil {
			fmt.Fprintf(w, "REFUSED: %s %s\n", v.Name, explaining.Disbelief(v.Refused))
		}
	}
}

// printOverridden says what is not as configured.
func printOverridden(w io.Writer, all []api.Instance) {
	for i := range all {
		if v := &all[i]; v.Configured != nil {
			fmt.Fprintf(w, "SET: %s: %s\n", v.Name, explaining.Overridden(v))
		}
	}
}

// printReadiness says what backups would do.
func printReadiness(w io.Writer, all []api.Instance) {
	backups := slices.DeleteFunc(slices.Clone(all), func(v api.Instance) bool { return v.State != "BACKUP" || v.Readiness == "" })
	table(w, "INSTANCE\tIF THE MASTER FAILED NOW", len(backups), func(i int) string {
		return backups[i].Name + "\t" + backups[i].Readiness
	})
}

func printTracks(w io.Writer, all []api.Instance) {
	type line struct{ instance, name, state string }
	var lines []line
	for i := range all {
		for name, state := range all[i].Tracks {
			if slices.Contains(all[i].ReverseTracks, name) {
				state = "reverse, " + state
			}
			lines = append(lines, line{all[i].Name, name, state})
		}
	}
	slices.SortFunc(lines, func(a, b line) int {
		return strings.Compare(a.instance+"\x00"+a.name, b.instance+"\x00"+b.name)
	})
	table(w, "INSTANCE\tTRACKS\tSTATE", len(lines), func(i int) string {
		return lines[i].instance + "\t" + lines[i].name + "\t" + lines[i].state
	})
}

func printBFD(w io.Writer, all []api.BFDSession) {
	table(w, "BFD SESSION\tNEIGHBOUR\tSTATE\tFOR\tREMOTE\tTX\tRX\tDETECTION\tSENT\tRECEIVED\tCAUSE", len(all), func(i int) string {
		b := &all[i]
		return fmt.Sprintf("%s\t%s\t%s\t%v\t%s\t%gms\t%gms\t%gms\t%d\t%d\t%s", b.Name, b.Neighbour, b.State, ago(b.Since),
			b.RemoteState, b.TxMS, b.RxMS, b.DetectMS, b.Counters["packets_sent"], b.Counters["packets_rcvd"], or(b.Cause, "-"))
	})
}

func printService(w io.Writer, director string, v *api.Service) {
	quorum := ""
	switch {
	case v.SorryInUse:
		quorum = ", NO QUORUM, sorry server " + v.Sorry + " in use"
	case !v.HasQuorum:
		quorum = fmt.Sprintf(", NO QUORUM (%d wanted)", v.Quorum)
	}
	switch v.Tier {
	case "":
	case "all":
		quorum += ", all tiers serve"
	default:
		quorum += ", tier " + v.Tier + " serves"
	}
	if v.Panic {
		quorum += ", PANIC: all of them get traffic"
	}
	in := explaining.InUse(v)
	fmt.Fprintf(w, "\n%s %s %s by %s: %d of %s in%s\n",
		v.Name, v.Scheduler, v.Forward, director, in, diag.Counted(len(v.Servers), "server"), quorum)
	if v.Traffic != nil {
		fmt.Fprintf(w, "  traffic: %s\n", strings.Join(trafficWords(serviceTraffic(v)), ", "))
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := range v.Servers {
		r := &v.Servers[i]
		traffic := ""
		if r.Traffic != nil {
			traffic = "\t" + strings.Join(trafficWords(*r.Traffic), ", ")
		}
		fmt.Fprintf(tw, "  %s\t%s\t%s%s\tfor %v\t%s\n", r.Name, serverState(r), serverWeight(r), traffic, ago(r.Since), or(r.Cause, "-")+overrideNote(r.Override))
	}
	_ = tw.Flush() // the terminal has gone
}

func serverState(r *api.Server) string {
	state := r.State
	if state == "" { // of a daemon that does not say
		state = "out"
		if r.Up {
			state = "in"
		}
	}
	if r.Tier > 0 {
		state += fmt.Sprintf(" (tier %d)", r.Tier)
	}
	return state
}

func serverWeight(r *api.Server) string {
	if r.Offered != nil && *r.Offered != r.Weight {
		return fmt.Sprintf("weight %d (of %d)", *r.Offered, r.Weight)
	}
	return fmt.Sprintf("weight %d", r.Weight)
}

// overrideNote says what a command says of a server.
func overrideNote(o *api.Override) string {
	if o == nil {
		return ""
	}
	note := fmt.Sprintf("; by command: %s for %s", overrideWord(o), ago(o.Since))
	if o.Why != "" {
		note += ": " + o.Why
	}
	return note
}

// ago is the time since a moment, rounded as a person would.
func ago(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	d := time.Since(t)
	switch {
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < 48*time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// place is the interface of a virtual router, as ip(8) writes a virtual one.
func place(v *api.Instance) string {
	if v.VMAC == "" {
		return v.Interface
	}
	return v.VMAC + "@" + v.Interface
}
