package smtp

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

func ask(t *testing.T, to probe.Endpoint, helo string) probe.Result {
	t.Helper()
	p, err := New(Config{To: to, Helo: helo})
	if err != nil {
		t.Fatal(err)
	}
	return p.Probe(context.Background())
}

func TestBadServers(t *testing.T) {
	probetest.Greeted(t, func(to probe.Endpoint) probe.Result { return ask(t, to, "") })
}

// serve is a server with these answers, which notes what it was told.
func serve(t *testing.T, heard *[]string, answers ...string) probe.Endpoint {
	return probetest.Serve(t, func(c *net.TCPConn) {
		in := bufio.NewReader(c)
		for i, a := range answers {
			if i > 0 {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				*heard = append(*heard, line)
			}
			_, _ = io.WriteString(c, a)
		}
		_, _ = io.Copy(io.Discard, in)
	})
}

func TestConversation(t *testing.T) {
	for name, c := range map[string]struct {
		answers []string
		detail  string // "" = well
	}{
		"well":                   {[]string{"220 mx.example ESMTP\r\n", "250 mx.example\r\n", "221 2.0.0 Bye\r\n"}, ""},
		"bare":                   {[]string{"220\n", "250\n", "221\n"}, ""},
		"replies of several":     {[]string{"220-wait\r\n220-a little\r\n220 now\r\n", "250-mx.example\r\n250 HELP\r\n", "221 Bye\r\n"}, ""},
		"all at once":            {[]string{"220 a\r\n250 b\r\n221 c\r\n"}, ""},
		"busy":                   {[]string{"421 4.3.2 too many\r\n"}, "bad greeting banner: 421 4.3.2 too many, expected 220"},
		"does not want":          {[]string{"554\r\n"}, "bad greeting banner: 554, expected 220"},
		"does not like the name": {[]string{"220 a\r\n", "501 who?\r\n"}, "bad HELO response: 501 who?, expected 250"},
		"does not let go":        {[]string{"220 a\r\n", "250 a\r\n", "500 why\r\n"}, "bad QUIT response: 500 why, expected 221"},
		"another protocol":       {[]string{"SSH-2.0-OpenSSH_9.2\r\n"}, "no SMTP reply in place of a greeting"},
		"two codes in one":       {[]string{"220-a\r\n250 b\r\n"}, "no SMTP reply in place of a greeting"},
		"unfit for a log":        {[]string{"421 \x1b[31m" + strings.Repeat("é", 500) + "\r\n"}, "bad greeting banner: 421 ?[31m" + strings.Repeat("?", 38) + ", expected 220"},
	} {
		t.Run(name, func(t *testing.T) {
			var heard []string
			r := ask(t, serve(t, &heard, c.answers...), "")
			if r.OK != (c.detail == "") || r.Detail != c.detail {
				t.Errorf("got %+v, want %q", r, c.detail)
			}
		})
	}
}

func TestWhatIsSaid(t *testing.T) {
	heard := make(chan string, 2)
	to := probetest.Serve(t, func(c *net.TCPConn) {
		in := bufio.NewReader(c)
		for _, a := range []string{"220 a\r\n", "250 b\r\n", "221 c\r\n"} {
			_, _ = io.WriteString(c, a)
			if line, err := in.ReadString('\n'); err == nil {
				heard <- line
			}
		}
	})
	if r := ask(t, to, "check.example"); !r.OK {
		t.Errorf("got %+v", r)
	}
	if helo, quit := <-heard, <-heard; helo != "HELO check.example\r\n" || quit != "QUIT\r\n" {
		t.Errorf("said %q and %q", helo, quit)
	}
	if _, err := New(Config{Helo: "a\r\nRCPT TO:<x>"}); err == nil {
		t.Error("a name of two lines is taken")
	}
}

// A reply never comes to an end: lines that say that another follows.
func TestEndlessReply(t *testing.T) {
	to := probetest.Serve(t, func(c *net.TCPConn) {
		for {
			if _, err := io.WriteString(c, "220-more\r\n"); err != nil {
				return
			}
		}
	})
	if r := ask(t, to, ""); r.OK || r.Reason != probe.BadAnswer {
		t.Errorf("got %+v", r)
	}
}

func FuzzReply(f *testing.F) {
	for _, s := range []string{"220 a\r\n", "220-a\r\n220 b\r\n", "250\n", "999 x\r\n", "22", "220-a\r\n250 b\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := read(bufio.NewReaderSize(strings.NewReader(s), maxLine))
		if err != nil {
			return
		}
		if r.code < 200 || r.code > 599 || len(r.text) > maxText || !strings.Contains(s, r.String()[:3]) {
			t.Errorf("%q: %+v", s, r)
		}
		for _, c := range []byte(r.text) {
			if c < ' ' || c >= 0x7f {
				t.Errorf("%q is told", r.text)
			}
		}
	})
}
