package cli

import (
	"fmt"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/lint"
)

// explain is `holdfast explain ID…`; without an ID it lists them.
func explain(t terminal, args []string) int {
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
			fmt.Fprintf(t.err, "holdfast explain: there is no %q; `holdfast explain` lists what there is\n", id)
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
