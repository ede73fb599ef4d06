package cli

import (
	"fmt"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/plan"
)

// configDiff is `holdfast config diff`.
func configDiff(t terminal, f *configFlags, args []string) int {
	if len(args) != 2 {
		fmt.Fprintln(t.err, "holdfast config diff: two files are needed, OLD and NEW")
		return exitUnread
	}
	shortLife()
	have, bad := f.load(t, disk, args[0])
	want, worse := f.load(t, disk, args[1])
	if max(bad, worse) == exitUnread {
		return exitUnread
	}
	p := plan.Make(have, want)
	if f.json {
		t.json(map[string]any{"version": api.Version, "changes": p.Changes(), "objects": p.Objects})
	} else {
		fmt.Fprint(t.out, p.Text())
	}
	if p.Changes() {
		return exitProblems
	}
	return exitFine
}
