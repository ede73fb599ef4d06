package netns_test

import (
	"fmt"
	"os"
	"testing"

	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// Debian's unbound: a name that it has takes the server in, a type that the
// name does not have keeps it out, for the answer section is empty; so does a
// name that does not exist. In the end it dies.
func TestUnbound(t *testing.T) {
	unbound := Program(t, "unbound")
	l := New(t)
	s := Node(t, l, "s1", "192.0.2.21/24")
	conf := l.Path("unbound.conf")
	text := "server:\n  do-daemonize: no\n  use-syslog: no\n  username: \"\"\n  chroot: \"\"\n  pidfile: \"\"\n  directory: \"" + l.Path("") + "\"\n" +
		"  do-ip6: no\n  access-control: 0.0.0.0/0 allow\n  module-config: \"iterator\"\n" +
		"  local-zone: \"example.\" static\n  local-data: \"www.example. A 192.0.2.1\"\n"
	for port := 5301; port <= 5303; port++ {
		text += fmt.Sprintf("  interface: 192.0.2.21@%d\n", port)
	}
	Must(t, os.WriteFile(conf, []byte(text+"remote-control:\n  control-enable: no\n"), 0o644))
	p, err := s.Start(unbound, "-d", "-c", conf)
	Must(t, err)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config("global_defs {\n    lvs_director none\n}",
		checked(5301, "UDP", brief("DNS_CHECK", "type A\n            name www.example.")),
		checked(5302, "UDP", brief("DNS_CHECK", "type MX\n            name www.example")),
		checked(5303, "UDP", brief("DNS_CHECK", "name nosuch.example"))))
	WaitLog(t, a, "Adding service [192.0.2.21]:udp:5301 to VS [192.0.2.100]:udp:5301: DNS_CHECK succeeded", 1)
	WaitLog(t, a, "DNS_CHECK ([192.0.2.21]:udp:5302) failed: answer section is empty", 1)
	WaitLog(t, a, "DNS_CHECK ([192.0.2.21]:udp:5303) failed: rcode = 3 (NXDOMAIN)", 1)
	p.KillTree()
	WaitLog(t, a, "Removing service [192.0.2.21]:udp:5301 from VS [192.0.2.100]:udp:5301: DNS_CHECK port unreachable (2 of 2 tries)", 1)
}

// Debian's OpenSMTPD comes and dies.
func TestOpenSMTPD(t *testing.T) {
	smtpd := Program(t, "smtpd")
	l := New(t)
	s := Node(t, l, "s1", "192.0.2.21/24")
	conf := l.Path("smtpd.conf")
	Must(t, os.WriteFile(conf, []byte("listen on 192.0.2.21 port 25\naction \"local\" maildir \""+l.Path("mail")+"\"\nmatch from any for local action \"local\"\n"), 0o644))
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config("global_defs {\n    lvs_director none\n}",
		checked(25, "TCP", brief("SMTP_CHECK", "helo_name check.example"))))
	WaitLog(t, a, "SMTP_CHECK on service [192.0.2.21]:tcp:25 failed: connection refused", 1)
	// Its socket is to be in a folder of its own.
	p, err := s.Start(Program(t, "unshare"), "-m", "sh", "-c", "mount -t tmpfs run /run && exec "+smtpd+" -d -f "+conf)
	Must(t, err)
	WaitLog(t, a, "Adding service [192.0.2.21]:tcp:25 to VS [192.0.2.100]:tcp:25: SMTP_CHECK succeeded", 1)
	p.KillTree()
	WaitLog(t, a, "Removing service [192.0.2.21]:tcp:25 from VS [192.0.2.100]:tcp:25: SMTP_CHECK", 1)
}
