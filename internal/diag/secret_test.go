package diag

import "testing"

func TestShown(t *testing.T) {
	for line, want := range map[string]bool{
		"  auth_pass secret":   false,
		"\tAUTH_PAS secret":    false,
		"{ auth_pass secret":   false,
		"smtp_password secret": false,
		"  key 1 secret":       false,
		" ky 1 hex:00":         false,
		"auth_pass":            true,
		"authentication {":     true,
		"  priority 100":       true,
		"real_server 10.0.0.1": true,
		"":                     true,
	} {
		var l List
		l.Add(Diagnostic{Source: line})
		if got := l[0].Source; got != "" && got != line || (got == line) != want {
			t.Errorf("%q is shown as %q", line, got)
		}
	}
}
