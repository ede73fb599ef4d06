// Package misc is MISC_CHECK: a program says whether a server is well.
//
// Exit status 0 is well, anything else is not; with misc_dynamic, 2 to 255 are
// well too and ask for a weight of two less. How programs are run and ended is
// package proc's business.
package misc

import (
	"bytes"
	"context"
	"fmt"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/proc"
)

// maxOutput is how much of a program's output is looked at for a reason.
const maxOutput = 256

// Probe runs one program.
type Probe struct {
	// Run says what and how; Timeout is misc_timeout.
	Run proc.Spec
	// Dynamic: the exit status may ask for a weight [misc_dynamic].
	Dynamic bool
}

// Probe makes one attempt.
func (p *Probe) Probe(ctx context.Context) probe.Result {
	spec := p.Run
	spec.MaxOutput = maxOutput
	spec.DieWithUs = true
	end := proc.Run(ctx, spec)
	r := p.judge(end)
	r.Took = end.Took
	return r
}

func (p *Probe) judge(end proc.Result) probe.Result {
	switch {
	case end.Err != nil:
		return probe.Ours(end.Err)
	case end.TimedOut:
		return probe.Result{Reason: probe.Timeout, Detail: fmt.Sprintf("timed out after %v", p.Run.Timeout)}
	case end.OK():
		return probe.Result{OK: true, Reason: probe.OK}
	case p.Dynamic && end.Signal == 0 && end.ExitCode >= 2 && end.ExitCode <= 255:
		return probe.Result{OK: true, Reason: probe.OK, Weight: end.ExitCode - 2, WeightSet: true}
	}
	detail := end.String()
	if line := firstLine(end.Output); line != "" {
		detail += ": " + line
	}
	return probe.Result{Reason: probe.ExitStatus, Detail: detail}
}

// firstLine is the first line that a program wrote, if it is text.
func firstLine(out []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(out), []byte("\n"))
	for _, c := range line {
		if c < ' ' && c != '\t' || c == 0x7f {
			return ""
		}
	}
	return string(line)
}
