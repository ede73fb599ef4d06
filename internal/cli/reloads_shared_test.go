package cli

import (
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/parent"
)

// service is a plain virtual server, without the end of its last line.
func service(addr, weight string) string {
	return "virtual_server " + addr + " {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n real_server 10.1.1.1 80 {\n  weight " + weight + "\n  TCP_CHECK {\n  }\n }\n}"
}

// A block that the short way leaves out may have a second one of its address
// that does not look like it: on a line with something else, indented, quoted,
// in other words. What is said of the two is said all the same.
func TestReloadsSeeASecondBlockOfAnAddress(t *testing.T) {
	a, b, c := service("10.9.9.1 80", "1"), service("10.9.9.2 80", "1"), service("10.9.9.3 80", "1")
	for name, x := range map[string]struct{ have, want string }{
		"behind a brace":          {a + "\n" + b + "\n" + c + "\n", a + "\n" + b + " " + service("10.9.9.1 80", "2") + "\n" + c + "\n"},
		"behind a statement":      {a + "\nx\n" + c + "\n", a + "\nx { } " + service("10.9.9.1 80", "2") + "\n" + c + "\n"},
		"two on one line":         {a + " " + b + "\n" + c + "\n", a + " " + service("10.9.9.3 80", "2") + "\n" + c + "\n"},
		"the same on one line":    {a + "\n" + b + "\n" + c + "\n", a + "\n" + b + " " + a + "\n" + c + "\n"},
		"indented":                {a + "\n" + b + "\n" + c + "\n", a + "\n" + b + "\n  " + service("10.9.9.1 80", "2") + "\n" + c + "\n"},
		"indented, both":          {a + "\n\t" + service("10.9.9.1 80", "1") + "\n" + c + "\n", a + "\n\t" + service("10.9.9.1 80", "2") + "\n" + c + "\n"},
		"a quoted address":        {a + "\n" + b + "\n" + c + "\n", a + "\n" + b + "\n" + service(`"10.9.9.1" 80`, "2") + "\n" + c + "\n"},
		"a quoted port":           {a + "\n" + b + "\n" + c + "\n", a + "\n" + b + "\n" + service(`10.9.9.1 "80"`, "2") + "\n" + c + "\n"},
		"a quoted keyword":        {a + "\n" + b + "\n" + c + "\n", a + "\n" + b + "\n" + strings.Replace(service("10.9.9.1 80", "2"), "virtual_server", `"virtual_server"`, 1) + "\n" + c + "\n"},
		"a port by name":          {a + "\n" + b + "\n" + c + "\n", a + "\n" + b + "\n" + service("10.9.9.1 http", "2") + "\n" + c + "\n"},
		"a port with a sign":      {a + "\n" + b + "\n" + c + "\n", a + "\n" + b + "\n" + service("10.9.9.1 +80", "2") + "\n" + c + "\n"},
		"a port with zeros":       {a + "\n" + b + "\n" + c + "\n", a + "\n" + b + "\n" + service("10.9.9.1 00080", "2") + "\n" + c + "\n"},
		"a port in hexadecimal":   {a + "\n" + b + "\n" + c + "\n", a + "\n" + b + "\n" + service("10.9.9.1 0x50", "2") + "\n" + c + "\n"},
		"more words":              {a + "\n" + b + "\n" + c + "\n", a + "\n" + b + "\n" + service("10.9.9.1 80 90", "2") + "\n" + c + "\n"},
		"a word is quoted":        {a + "\n" + b + "\n" + c + "\n", a + "\n" + b + "\n" + service(`10.9.9.1"80"`, "2") + "\n" + c + "\n"},
		"mapped":                  {a + "\n" + b + "\n" + c + "\n", a + "\n" + b + "\n" + service("::ffff:10.9.9.1 80", "2") + "\n" + c + "\n"},
		"a comment is its end":    {a + "\n" + b + "\n" + c + "\n", a + "\n" + b + "\n" + strings.Replace(service("10.9.9.1 80", "2"), "80 {", "80#x\n{", 1) + "\n" + c + "\n"},
		"the brace is close":      {a + "\n" + b + "\n" + c + "\n", a + "\n" + b + "\n" + strings.Replace(service("10.9.9.1 80", "2"), "80 {", "80{", 1) + "\n" + c + "\n"},
		"the port is below":       {a + "\n" + b + "\n" + c + "\n", a + "\n" + b + "\n" + strings.Replace(service("10.9.9.1 80", "2"), " 80", "\n80", 1) + "\n" + c + "\n"},
		"another protocol":        {a + "\n" + b + "\n" + c + "\n", a + "\n" + b + "\n" + strings.Replace(service("10.9.9.1 80", "2"), "TCP\n", "UDP\n", 1) + "\n" + c + "\n"},
		"no port":                 {service("10.9.9.1", "1") + "\n" + c + "\n", service("10.9.9.1", "1") + "\n" + service("10.9.9.1 0", "1") + "\n" + c + "\n"},
		"a mark":                  {service("fwmark 1", "1") + "\n" + c + "\n", service("fwmark 1", "1") + "\n" + service("fwmark 01", "1") + "\n" + c + "\n"},
		"a group on one line":     {a + "\nvirtual_server_group g {\n 10.9.9.3 80\n}\n" + service("group g", "1") + "\n" + c + "\n", a + "\nvirtual_server_group g {\n 10.9.9.1 80\n} " + service("group g", "1") + "\n" + c + "\n"},
		"a quoted group":          {a + "\nvirtual_server_group g {\n 10.9.9.3 80\n}\n" + c + "\n", a + "\nvirtual_server_group g {\n 10.9.9.1 80\n}\n" + service(`"group" g`, "1") + "\n" + c + "\n"},
		"a group by another name": {a + "\n" + c + "\n", a + "\n" + service("GROUP g", "1") + "\n" + c + "\n"},
		"a carriage return":       {a + "\n" + b + "\n" + c + "\n", a + "\n" + b + "\r" + service("10.9.9.1 80", "2") + "\n" + c + "\n"},
	} {
		have := tell(parent.LoadRequest{}, desk{"k.conf": x.have}, nil)
		if have.set == nil {
			t.Errorf("%s: it would not run: %s", name, have.report.Fatal)
			continue
		}
		after := desk{"k.conf": x.want}
		whole := tell(parent.LoadRequest{}, after, have.set)
		less := tell(parent.LoadRequest{Running: parent.Known(have.report.Problems)}, after, have.set)
		if a, b := asJSON(whole), asJSON(less); a != b {
			t.Errorf("%s: all read\n%s\n%d services left out\n%s", name, a, less.left, b)
		}
	}
}
