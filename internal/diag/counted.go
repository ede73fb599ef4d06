package diag

import (
	"fmt"
	"strings"
)

// Counted is a number of things in words: "1 error", "2 addresses".
func Counted(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "s"):
		return fmt.Sprintf("%d %ses", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}
