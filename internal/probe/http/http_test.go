package http

import (
	"context"
	"crypto/md5"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/flow"
	"github.com/holdfast-ha/holdfast/internal/probe/probetest"
	"github.com/holdfast-ha/holdfast/internal/probe/secure"
)

// ways are the two ways an attempt can be made; they must not differ.
var ways = map[string]func(t *testing.T, p *Probe) probe.Result{
	"goroutine": func(_ *testing.T, p *Probe) probe.Result { return p.Probe(context.Background()) },
	"flow":      overFlow,
}

func overFlow(t *testing.T, p *Probe) probe.Result {
	t.Helper()
	e, err := flow.New[int]()
	if err != nil {
		t.Error(err)
		return probe.Result{}
	}
	defer e.Close()
	begun := time.Now()
	now := func() clock.Instant { return clock.Instant(time.Since(begun)) }
	e.Start(now(), 0, &p.To, p.Talk(), false)
	for time.Since(begun) < 30*time.Second {
		if done := e.Done(); len(done) > 0 {
			return done[0].Result
		}
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(e.Fd()), Events: unix.POLLIN}}, 10)
		e.Ready(now())
		e.Expire(now())
	}
	t.Error("the attempt hangs")
	return probe.Result{}
}

func newProbe(t *testing.T, c Config) *Probe {
	t.Helper()
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestBadServers(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			probetest.Suite(t, true, func(to probe.Endpoint) probe.Result {
				return way(t, newProbe(t, Config{To: to}))
			})
		})
	}
	t.Run("tls", func(t *testing.T) {
		probetest.Suite(t, true, func(to probe.Endpoint) probe.Result {
			return ways["goroutine"](t, newProbe(t, Config{To: to, TLS: &secure.Config{}}))
		})
		probetest.Secured(t, func(to probe.Endpoint) probe.Result {
			return ways["goroutine"](t, newProbe(t, Config{To: to, TLS: &secure.Config{}}))
		})
	})
}

// says serves one answer to each connection, then closes it.
func says(t *testing.T, answer string) probe.Endpoint {
	return probetest.Serve(t, func(c *net.TCPConn) {
		_, _ = c.Read(make([]byte, 4096))
		for part := range strings.SplitSeq(answer, "|") { // in several packets
			_, _ = io.WriteString(c, part)
		}
		_ = c.CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	})
}

func TestAnswers(t *testing.T) {
	sum := md5.Sum([]byte("hello\n"))
	digest := strings.ToUpper(hex.EncodeToString(sum[:]))
	for name, x := range map[string]struct {
		answer string
		want   Want
		fails  string // what the detail says; empty = well
	}{
		"200":                 {"HTTP/1.0 200 OK\r\n\r\nhello\n", Want{}, ""},
		"204":                 {"HTTP/1.1 204 No Content\r\n\r\n", Want{}, ""},
		"in pieces":           {"HT|TP/1.0 2|00 OK\r|\n\r|\nhel|lo\n", Want{Digest: digest}, ""},
		"bare newlines":       {"HTTP/1.0 200 OK\nX: y\n\nhello\n", Want{Digest: digest}, ""},
		"no reason phrase":    {"HTTP/1.0 200\r\n\r\n", Want{}, ""},
		"after a 100":         {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", Want{}, ""},
		"503":                 {"HTTP/1.0 503 No\r\n\r\nhello\n", Want{}, "HTTP status 503, expected 200-299"},
		"503 and digest":      {"HTTP/1.0 503 No\r\n\r\nhello\n", Want{Digest: digest}, "HTTP status 503"},
		"503 wanted":          {"HTTP/1.0 503 No\r\n\r\n", Want{Status: []Range{{200, 200}, {500, 599}}}, ""},
		"200 not wanted":      {"HTTP/1.0 200 OK\r\n\r\n", Want{Status: []Range{{301, 301}, {500, 599}}}, "expected 301 500-599"},
		"digest":              {"HTTP/1.0 200 OK\r\n\r\nhello\n", Want{Digest: digest}, ""},
		"wrong digest":        {"HTTP/1.0 200 OK\r\n\r\nhello", Want{Digest: digest}, "MD5 digest 5d41402abc4b2a76b9719d911017c592, expected"},
		"digest of length":    {"HTTP/1.0 200 OK\r\ncontent-length: 6\r\n\r\nhello\nmore", Want{Digest: digest}, ""},
		"shorter than said":   {"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\nhello\n", Want{Digest: digest}, ""},
		"regex":               {"HTTP/1.0 200 OK\r\n\r\nhello\n", Want{Regex: "^h.l+o"}, ""},
		"regex with Perl":     {"HTTP/1.0 200 OK\r\n\r\nhello\n", Want{Regex: "(?<=hel)lo"}, ""},
		"regex fails":         {"HTTP/1.0 200 OK\r\n\r\nhello\n", Want{Regex: "bye"}, `body does not match regex "bye"`},
		"regex must not":      {"HTTP/1.0 200 OK\r\n\r\nhello\n", Want{Regex: "hello", NoMatch: true}, `body matches regex "hello", which regex_no_match forbids`},
		"regex must not, and": {"HTTP/1.0 200 OK\r\n\r\nhello\n", Want{Regex: "bye", NoMatch: true}, ""},
		"not HTTP":            {"220 mail.example ESMTP\r\n", Want{}, `answer is not HTTP: "220 mail.example ESMTP\r"`},
		"odd status":          {"HTTP/1.0 2000 OK\r\n\r\n", Want{}, "answer is not HTTP"},
	} {
		for way, attempt := range ways {
			t.Run(name+"/"+way, func(t *testing.T) {
				defer probetest.NoLeaks(t)()
				r := attempt(t, newProbe(t, Config{To: says(t, x.answer), Want: x.want}))
				if r.OK != (x.fails == "") || !strings.Contains(r.Detail, x.fails) {
					t.Errorf("got %+v, want %q", r, x.fails)
				}
			})
		}
	}
}

func TestServerThatKeepsTheConnection(t *testing.T) {
	to := probetest.Serve(t, func(c *net.TCPConn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
		_, _ = io.Copy(io.Discard, c)
	})
	for way, attempt := range ways {
		if r := attempt(t, newProbe(t, Config{To: to})); !r.OK {
			t.Errorf("%s: got %+v", way, r)
		}
	}
}

func TestEndlessBody(t *testing.T) {
	to := probetest.Serve(t, func(c *net.TCPConn) {
		_, _ = c.Read(make([]byte, 4096))
		_, err := io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\n")
		for b := make([]byte, 64<<10); err == nil; {
			_, err = c.Write(b)
		}
	})
	for way, attempt := range ways {
		if r := attempt(t, newProbe(t, Config{To: to})); !r.OK {
			t.Errorf("%s, status only: got %+v", way, r)
		}
		if r := attempt(t, newProbe(t, Config{To: to, Want: Want{Regex: "x"}})); r.OK || r.Reason != probe.BadAnswer {
			t.Errorf("%s, regex: got %+v", way, r)
		}
	}
}

// The bytes are those that keepalived 2.2.7 was seen to send.
func TestRequestIsKeepalivedsOwn(t *testing.T) {
	at := netip.MustParseAddrPort("127.0.0.2:8082")
	for want, c := range map[string]Config{
		"GET /x HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: 127.0.0.2:8082\r\n\r\n": {Path: "/x"},
		"GET / HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: 127.0.0.2:8082\r\n\r\n": {
			Protocol: "1.0C",
		},
		"GET /z HTTP/1.1\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: foo.example\r\n\r\n": {
			Path: "/z", Host: "foo.example", Protocol: "1.1",
		},
	} {
		c.To.Addr = at
		if got := string(request(c)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTLSWithoutVerification(t *testing.T) {
	names := make(chan string, 4)
	s := httptest.NewUnstartedServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		names <- r.TLS.ServerName + " " + r.Host
		_, _ = io.WriteString(w, "hello\n")
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	s.StartTLS()
	defer s.Close()
	to := probe.Endpoint{Addr: s.Listener.Addr().(*net.TCPAddr).AddrPort(), Timeout: 20 * time.Second}
	p := newProbe(t, Config{To: to, TLS: &secure.Config{Name: "name.example"}, Host: "host.example"})
	if r := p.Probe(context.Background()); !r.OK || p.OnLoop() {
		t.Errorf("got %+v", r)
	}
	if got := <-names; got != "name.example host.example" {
		t.Errorf("the server saw %q", got)
	}
	p = newProbe(t, Config{To: to, TLS: &secure.Config{}})
	if r := p.Probe(context.Background()); !r.OK {
		t.Errorf("got %+v", r)
	}
	if got := <-names; got != " "+to.Addr.String() {
		t.Errorf("the server saw %q", got)
	}
}

func TestBadRegexIsAnError(t *testing.T) {
	if _, err := New(Config{Want: Want{Regex: "(["}}); err == nil || !strings.Contains(err.Error(), `regex "(["`) {
		t.Errorf("got %v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc"), 3)
	f.Add([]byte("HTTP/1.1 100 C\n\nHTTP/1.1 204 N\n\n"), 1)
	want, err := Want{Digest: "00", Regex: "a"}.compile()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte, piece int) {
		piece = max(piece, 1)
		judge := func(piece int) probe.Result {
			a := answer{want: want}
			for rest := b; len(rest) > 0; {
				n := min(piece, len(rest))
				if r, done := a.feed(rest[:n]); done {
					return r
				}
				rest = rest[n:]
				if len(a.head) > MaxHeader || len(a.kept) > MaxKept {
					t.Fatalf("keeps %d and %d bytes", len(a.head), len(a.kept))
				}
			}
			return a.end()
		}
		if whole, parts := judge(len(b)+1), judge(piece); whole.OK != parts.OK {
			t.Errorf("whole: %+v, in pieces of %d: %+v", whole, piece, parts)
		}
	})
}

// [tls_compliant]: the server is told that the connection ends, and is not
// left with a reset.
func TestFarewell(t *testing.T) {
	cert := probetest.NewAuthority(t).Issue(t, probetest.Certificate{Names: []string{"www.example"}})
	for _, polite := range []bool{true, false} {
		ended := make(chan error, 1)
		to := probetest.Serve(t, func(c *net.TCPConn) {
			s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
			buf := make([]byte, 1000)
			if _, err := s.Read(buf); err != nil {
				ended <- err
				return
			}
			_, _ = io.WriteString(s, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
			_, err := s.Read(buf)
			ended <- err
		})
		p := newProbe(t, Config{To: to, TLS: &secure.Config{Farewell: polite}})
		if r := p.Probe(context.Background()); !r.OK {
			t.Errorf("got %+v", r)
		}
		if err := <-ended; errors.Is(err, io.EOF) != polite {
			t.Errorf("tls_compliant %v: the server saw %v", polite, err)
		}
	}
}

// What goes wrong within a conversation, and is neither the network's nor ours,
// is TLS's where there is TLS.
func TestWhatBreaksAConversation(t *testing.T) {
	plain, secured := newProbe(t, Config{}), newProbe(t, Config{TLS: &secure.Config{}})
	for _, c := range []struct {
		p    *Probe
		err  error
		want probe.Result
	}{
		{plain, io.ErrUnexpectedEOF, probe.Result{Reason: probe.BadAnswer, Detail: "ask: unexpected EOF"}},
		{secured, io.ErrUnexpectedEOF, probe.Result{Reason: probe.TLS, Detail: "ask: unexpected EOF"}},
		{secured, unix.ECONNRESET, probe.Result{Reason: probe.Reset, Detail: "connection reset by peer"}},
	} {
		if got := c.p.broken("ask", c.err); got != c.want {
			t.Errorf("%v: got %+v, want %+v", c.err, got, c.want)
		}
	}
}
