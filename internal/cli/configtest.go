package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/parent"
)

// Exit codes of --config-test, as keepalived 2.2 really gives them (its
// manual counts one less).
const (
	exitCannotRun  = 4 // no configuration can be made of the file
	exitTestFailed = 5 // there are errors; the daemon would start and ignore them
)

// configTest is -t: read the configuration in this very process, say what is
// wrong with it on stderr, or in a file, and exit accordingly.
func configTest(t terminal, f *flags, file string) int {
	shortLife()
	out := t.err
	if file != "" {
		w, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644) //nolint:gosec // a log, for everybody
		if err != nil {
			fmt.Fprintf(t.err, "open the file for -t: %v\n", err)
			return parent.ExitFatal
		}
		defer w.Close()
		out = w
	}
	_, found := conf.Load(disk, f.file, f.confOptions())
	return judge(out, found, f.strict)
}

// judge prints what was found and gives the exit code of -t.
func judge(w io.Writer, found diag.List, strict bool) int {
	printDiagnostics(w, found)
	switch {
	case found.Count(diag.Fatal) > 0:
		return exitCannotRun
	case found.Count(diag.Error) > 0, strict && found.Count(diag.Warning) > 0:
		return exitTestFailed
	}
	return parent.ExitOK
}

func printDiagnostics(w io.Writer, found diag.List) {
	for _, p := range problems(found, allProblems) {
		fmt.Fprintf(w, "%s:%d:%d: %s: %s [%s]\n", p.File, p.Line, p.Column, p.Severity, p.Message, p.ID)
	}
}
