package ftp

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/probetest"
)

func attempt(t *testing.T, c Config) probe.Result {
	t.Helper()
	p, err := New(c)
	if err != nil {
		t.Error(err)
		return probe.Result{}
	}
	return p.Probe(context.Background())
}

func TestBadServers(t *testing.T) {
	probetest.Greeted(t, func(to probe.Endpoint) probe.Result {
		return attempt(t, Config{To: to, User: "checker", Password: "secret"})
	})
}

// answers serves a greeting and an answer to each command.
func answers(t *testing.T, greeting string, to map[string]string) (probe.Endpoint, chan string) {
	said := make(chan string, 16)
	return probetest.Serve(t, func(c *net.TCPConn) {
		_, _ = io.WriteString(c, greeting)
		for in := bufio.NewScanner(c); in.Scan(); {
			said <- in.Text()
			answer, known := to[in.Text()]
			if !known {
				answer = "502 what?\r\n"
			}
			_, _ = io.WriteString(c, answer)
		}
	}), said
}

func TestConversations(t *testing.T) {
	bye := map[string]string{"QUIT": "221 bye\r\n"}
	login := func(user, pass string) map[string]string {
		return map[string]string{"QUIT": "221 bye\r\n", "USER checker": user, "PASS secret": pass}
	}
	for _, c := range []struct {
		name, greeting string
		to             map[string]string
		user           string
		want           string // of the failure
	}{
		{"greeting", "220 ready\r\n", bye, "", ""},
		{"greeting of several lines", "220-hello\r\n and\r\n220 ready\r\n", bye, "", ""},
		{"not ready", "120 in five minutes\r\n", bye, "", `bad greeting response: 120 "in five minutes", expected 220`},
		{"closing", "421 too many users\r\n", bye, "", `421 "too many users"`},
		{"a mail server is none the less polite", "220 mx ESMTP\r\n", map[string]string{"USER checker": "500 what?\r\n"}, "checker", `bad USER response: 500 "what?"`},
		{"too much", "220-" + strings.Repeat("x", maxAnswers), nil, "", "more than 65536 bytes in place of a greeting"},
		{"another protocol", "SSH-2.0-OpenSSH_9.2\r\n", nil, "", "no FTP reply in place of a greeting"},
		{"login", "220 ready\r\n", login("331 password\r\n", "230-hello\r\n230 in\r\n"), "checker", ""},
		{"login without a password", "220 ready\r\n", login("230 in\r\n", ""), "checker", ""},
		{"refused", "220 ready\r\n", login("331 password\r\n", "530 Login incorrect.\r\n"), "checker", `bad PASS response: 530 "Login incorrect."`},
		{"account needed", "220 ready\r\n", login("331 password\r\n", "332 account\r\n"), "checker", "332"},
		{"no goodbye", "220 ready\r\n", nil, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			to, _ := answers(t, c.greeting, c.to)
			r := attempt(t, Config{To: to, User: c.user, Password: "secret"})
			if r.OK != (c.want == "") || !strings.Contains(r.Detail, c.want) || strings.Contains(r.Detail, "secret") {
				t.Errorf("got %+v, want %q", r, c.want)
			}
		})
	}
}

func TestOnlyOneLine(t *testing.T) {
	if _, err := New(Config{User: "a\r\nDELE b"}); err == nil {
		t.Error("a name of two lines was taken")
	}
}
