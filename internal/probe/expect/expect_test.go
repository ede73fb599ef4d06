package expect

import (
	"context"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/probetest"
	"github.com/holdfast-ha/holdfast/internal/probe/secure"
)

func attempt(c Config) probe.Result { return New(c).Probe(context.Background()) }

func steps(send string, want ...Pattern) []Step { return []Step{{Send: []byte(send), Want: want}} }

func TestBadServers(t *testing.T) {
	for name, s := range map[string][]Step{
		"text":  steps("PING\r\n", Pattern{Bytes: []byte("+PONG")}),
		"first": steps("PING\r\n", Pattern{Bytes: []byte("HTTP/1.0 200 OK\r\nContent-Length: 1000"), First: true}),
		"regex": steps("PING\r\n", Pattern{Regex: regexp.MustCompile("(a*)*b$")}),
		"mask":  steps("PING\r\n", Pattern{Bytes: []byte("\x00\x01"), Mask: []byte("\xf0\xff")}),
	} {
		t.Run(name, func(t *testing.T) {
			probetest.Suite(t, true, func(to probe.Endpoint) probe.Result { return attempt(Config{To: to, Steps: s}) })
		})
	}
	t.Run("tls", func(t *testing.T) {
		probetest.Suite(t, true, func(to probe.Endpoint) probe.Result {
			return attempt(Config{To: to, TLS: &secure.Config{}, Steps: Ready(Redis)})
		})
		probetest.Secured(t, func(to probe.Endpoint) probe.Result {
			return attempt(Config{To: to, TLS: &secure.Config{}, Steps: Ready(Redis)})
		})
	})
}

// exchange is a server that says something at once and something after it has
// heard something.
func exchange(t *testing.T, greeting, answer string) probe.Endpoint {
	return probetest.Serve(t, func(c *net.TCPConn) {
		_, _ = io.WriteString(c, greeting)
		if n, _ := c.Read(make([]byte, 100)); n > 0 {
			_, _ = io.WriteString(c, answer)
		}
		_, _ = io.Copy(io.Discard, c)
	})
}

func TestScripts(t *testing.T) {
	text := func(s string) Pattern { return Pattern{Bytes: []byte(s)} }
	for _, c := range []struct {
		name             string
		greeting, answer string
		steps            []Step
		want             string // of the failure
	}{
		{"anywhere", "junk 220 hello", "", steps("", text("220 ")), ""},
		{"one after the other", "220 hello 250 x", "", append(steps("", text("220 ")), steps("", text("250 "))...), ""},
		{"not before", "250 x 220 hello", "bye", append(steps("", text("220 ")), append(steps("Q", text("bye")), steps("", text("250 "))...)...), `step 3: no answer within 150ms, expected "250 "`},
		{"regex", "", "answer 42\n", steps("Q", Pattern{Regex: regexp.MustCompile(`answer \d+\n`)}), ""},
		{"the rest after a regex", "", "answer 42\nmore", append(steps("Q", Pattern{Regex: regexp.MustCompile(`\d+\n`)}), steps("", Pattern{Bytes: []byte("more"), First: true})...), ""},
		{"the first of some", "", "C", steps("Q", Pattern{Bytes: []byte("A"), First: true}, Pattern{Bytes: []byte("B"), First: true}), `step 1: got "C", expected "A" or "B"`},
		{"some digits", "", "C", steps("Q", Pattern{Bytes: []byte("\x4f\x00\x0b"), Mask: []byte("\xff\x00\x0f"), First: true}), `step 1: got "C", expected 4fxxxb in hexadecimal`},
		{"no match", "", "C", steps("Q", Pattern{Regex: regexp.MustCompile(`\d`)}), `step 1: nothing but "C" within 150ms, expected what matches "\\d"`},
		{"redis", "", "+PONG\r\n", Ready(Redis), ""},
		{"redis with a password", "", "-NOAUTH Authentication required.\r\n", Ready(Redis), ""},
		{"redis that loads", "", "-LOADING Redis is loading the dataset in memory\r\n", Ready(Redis), `step 1: got "-LOADING Redis is loading the dataset in"…, expected +PONG of Redis`},
		{"mysql", "\x4a\x00\x00\x00\x0a8.0.36\x00", "", Ready(MySQL), ""},
		{"mysql with too many", "\x17\x00\x00\x00\xff\x10\x04Too many connections", "", Ready(MySQL), `step 1: got "\x17\x00\x00\x00\xff\x10\x04Too many connections", expected the greeting of MySQL`},
		{"postgresql with TLS", "", "S", Ready(PostgreSQL), ""},
		{"postgresql without", "", "N", Ready(PostgreSQL), ""},
		{"postgresql that cannot", "", "E\x00", Ready(PostgreSQL), `step 1: got "E\x00", expected S or N of PostgreSQL`},
		{"ldap", "", "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00", Ready(LDAP), ""},
		{"ldap with long lengths", "", "\x30\x84\x00\x00\x00\x10\x02\x01\x01\x61\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04\x00", Ready(LDAP), ""},
		{"ldap for those it knows", "", "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x30\x04\x00\x04\x00", Ready(LDAP), ""},
		{"ldap that is busy", "", "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x33\x04\x00\x04\x00", Ready(LDAP), `expected LDAP's answer to an anonymous bind (result 0, 8 or 48)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := exchange(t, c.greeting, c.answer)
			if strings.Contains(c.want, "within") {
				to.Timeout = probetest.Short
			}
			r := attempt(Config{To: to, Steps: c.steps})
			if r.OK != (c.want == "") || !strings.Contains(r.Detail, c.want) {
				t.Errorf("got %+v, want %q", r, c.want)
			}
		})
	}
}
