package diag

import "strings"

// Secret reports whether a keyword, however misspelled, may have a password
// for its value. No diagnostic quotes such a value: it ends in logs.
func Secret(keyword string) bool {
	k := strings.ToLower(keyword)
	return strings.HasPrefix(k, "auth") || strings.HasPrefix(k, "key") || strings.Contains(k, "pass") || strings.Contains(k, "secret")
}

// shown is a line as a List keeps it: empty if it may carry a password.
func shown(line string) string {
	if strings.Contains(line, "hex:") {
		return "" // a key of auth_hmac, whatever the word before it
	}
	rest := strings.TrimLeft(line, " \t{")
	n := strings.IndexAny(rest, " \t\v\f\r")
	if n < 0 || !Secret(rest[:n]) {
		return line
	}
	if rest = strings.TrimSpace(rest[n:]); rest == "" || rest == "{" || strings.HasPrefix(rest, "{ ") {
		return line
	}
	return ""
}
