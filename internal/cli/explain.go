package cli

import (
	"fmt"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// explain is `holdfast explain ID…`; without an ID it lists them.
func explain(t terminal, args []string) int {
	if len(args) == 0 {
		for _, id := range diag.IDs() {
			text, _ := diag.Explain(id)
			first, _, _ := strings.Cut(text, "\n")
			fmt.Fprintf(t.out, "%s  %s\n", id, first)
		}
		return exitFine
	}
	code := exitFine
	for _, id := range args {
		text, ok := diag.Explain(id)
		if !ok {
			fmt.Fprintf(t.err, "holdfast explain: there is no %q; `holdfast explain` lists what there is\n", id)
			code = exitUnread
			continue
		}
		fmt.Fprintf(t.out, "%s\n%s\n", strings.ToUpper(id), text)
	}
	return code
}
