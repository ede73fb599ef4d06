package http

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"log"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/h2"
	"github.com/holdfast-ha/holdfast/internal/probe/probetest"
	"github.com/holdfast-ha/holdfast/internal/probe/secure"
)

func TestBadServersOverHTTP2(t *testing.T) {
	for name, over := range map[string]*secure.Config{"plain": nil, "tls": {}} {
		t.Run(name, func(t *testing.T) {
			probetest.Suite(t, true, func(to probe.Endpoint) probe.Result {
				return ways["goroutine"](t, newProbe(t, Config{To: to, TLS: over, Protocol: "h2"}))
			})
			if over != nil {
				probetest.Secured(t, func(to probe.Endpoint) probe.Result {
					return ways["goroutine"](t, newProbe(t, Config{To: to, TLS: over, Protocol: "h2"}))
				}, "h2")
			}
		})
	}
}

func TestHTTP2(t *testing.T) {
	text := strings.Repeat("hello\n", 100000) // more than a window
	sum := md5.Sum([]byte(text))
	for name, over := range map[string]*secure.Config{"plain": nil, "tls": {}} {
		s := httptest.NewUnstartedServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
			if r.ProtoMajor != 2 || r.Host != "host.example" {
				w.WriteHeader(nethttp.StatusTeapot)
				return
			}
			switch r.URL.Path {
			case "/":
				_, _ = io.WriteString(w, text)
			case "/hint":
				w.WriteHeader(nethttp.StatusEarlyHints)
				w.Header().Set(nethttp.TrailerPrefix+"X-End", "yes")
				_, _ = io.WriteString(w, text)
			case "/none":
				w.WriteHeader(nethttp.StatusNoContent)
			default:
				w.WriteHeader(nethttp.StatusServiceUnavailable)
			}
		}))
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.Config.Protocols = new(nethttp.Protocols)
		if over == nil {
			s.Config.Protocols.SetUnencryptedHTTP2(true)
			s.Start()
		} else {
			s.EnableHTTP2 = true
			s.Config.Protocols.SetHTTP2(true)
			s.StartTLS()
		}
		to := probe.Endpoint{Addr: s.Listener.Addr().(*net.TCPAddr).AddrPort(), Timeout: 20 * time.Second}
		for _, c := range []struct {
			path string
			want Want
			bad  string
		}{
			{"/", Want{}, ""},
			{"/", Want{Digest: hex.EncodeToString(sum[:]), Regex: "hello"}, ""},
			{"/hint", Want{Digest: hex.EncodeToString(sum[:])}, ""},
			{"/", Want{Digest: strings.Repeat("0", 32)}, "MD5 digest"},
			{"/", Want{Regex: "good bye"}, "does not match"},
			{"/none", Want{}, ""},
			{"/down", Want{}, "HTTP status 503, expected 200-299"},
		} {
			p := newProbe(t, Config{To: to, TLS: over, Protocol: "h2", Host: "host.example", Path: c.path, Want: c.want})
			r := p.Probe(context.Background())
			if r.OK != (c.bad == "") || !strings.Contains(r.Detail, c.bad) || p.OnLoop() {
				t.Errorf("%s %s: got %+v, want %q", name, c.path, r, c.bad)
			}
		}
		s.Close()
	}
}

// RFC 9113 §8.3.2: a header has a :status, of three digits; one of 1xx is not yet
// the answer.
func TestStatusOfAStream(t *testing.T) {
	for status, want := range map[string]struct {
		done bool
		bad  string
	}{
		"": {true, "answer has no status"}, "99": {true, "answer has no status"}, "1000": {true, "answer has no status"}, "ok": {true, "answer has no status"},
		"100": {false, ""}, "199": {false, ""}, "200": {true, ""}, "999": {true, "HTTP status 999"},
	} {
		s := streamed{answer: answer{want: newProbe(t, Config{}).want}}
		fields := []h2.Field{{Name: "date", Value: "200"}}
		if status != "" {
			fields = append(fields, h2.Field{Name: ":status", Value: status})
		}
		if done := s.Header(fields, true); done != want.done || !strings.Contains(s.result.Detail, want.bad) || s.result.OK != (done && want.bad == "") {
			t.Errorf("%q: done %v, %+v", status, done, s.result)
		}
	}
}
