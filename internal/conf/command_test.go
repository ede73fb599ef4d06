package conf

import (
	"slices"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// The commands are those that keepalived 2.2.7 shows for such lines.
func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		line string
		argv []string
		ids  string
	}{
		{`"/bin/true a 'b c' d"`, []string{"/bin/true", "a", "b c", "d"}, ""},
		{`/bin/true`, []string{"/bin/true"}, ""},
		{`'/bin/true a b'`, []string{"/bin/true", "a", "b"}, ""},
		{`"/bin/true 'a \"b\" c'"`, []string{"/bin/true", `a "b" c`}, ""},
		{`"/bin/true \"a b\" c"`, []string{"/bin/true", "a b", "c"}, ""},
		{`"/bin/true \x41\101\e\E\n|"`, []string{"/bin/true", "AAe\x1b", "|"}, ""},
		{`"'/bin/true' a''b c'd e'f"`, []string{"/bin/true", "ab", "cd ef"}, ""},
		{`"/bin/true '' x"`, []string{"/bin/true", "", "x"}, ""},
		{`"/bin/true $HOME {a}"`, []string{"/bin/true", "$HOME", "{a}"}, ""},
		{`"/bin/true \"a b\" c\ d e\'f"`, nil, "HF004"},
		{`"/bin/true a'b"`, nil, "HF004"},
	} {
		cfg, found := load(t, "vrrp_instance V {\n interface eth0\n virtual_router_id 5\n virtual_ipaddress {\n 10.0.0.1\n }\n notify "+c.line+"\n}\n")
		var argv []string
		if n := cfg.Instances[0].Notify.Any; n != nil {
			argv = n.Argv
		}
		got := ""
		for _, d := range found {
			if d.Severity == diag.Error && d.ID != "HF029" {
				got += d.ID
			}
		}
		if !slices.Equal(argv, c.argv) || got != c.ids {
			t.Errorf("%s: %q %q, want %q %q", c.line, argv, got, c.argv, c.ids)
		}
	}
}
