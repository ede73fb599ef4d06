package grpc

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/probetest"
	"github.com/holdfast-ha/holdfast/internal/probe/secure"
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
	probetest.Suite(t, true, func(to probe.Endpoint) probe.Result { return attempt(t, Config{To: to}) })
	t.Run("tls", func(t *testing.T) {
		probetest.Suite(t, true, func(to probe.Endpoint) probe.Result {
			return attempt(t, Config{To: to, TLS: &secure.Config{}})
		})
		probetest.Secured(t, func(to probe.Endpoint) probe.Result {
			return attempt(t, Config{To: to, TLS: &secure.Config{}})
		}, "h2")
	})
}

// health serves one answer to each call, over net/http's HTTP/2.
func health(t *testing.T, secured bool, answer func(w http.ResponseWriter, service string)) probe.Endpoint {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.ProtoMajor != 2 || r.URL.Path != "/grpc.health.v1.Health/Check" || r.Header.Get("Content-Type") != "application/grpc" || len(body) < prefixLen {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		service := ""
		if len(body) > prefixLen+2 {
			service = string(body[prefixLen+2:])
		}
		w.Header().Set("Content-Type", "application/grpc")
		answer(w, service)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secured {
		s.EnableHTTP2 = true
		s.StartTLS()
	} else {
		s.Config.Protocols = new(http.Protocols)
		s.Config.Protocols.SetUnencryptedHTTP2(true)
		s.Start()
	}
	t.Cleanup(s.Close)
	return probe.Endpoint{Addr: s.Listener.Addr().(*net.TCPAddr).AddrPort(), Timeout: 20 * time.Second}
}

// reply is a message and the status after it.
func reply(message, status, text string) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, _ string) {
		_, _ = io.WriteString(w, message)
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", status)
		w.Header().Set(http.TrailerPrefix+"Grpc-Message", text)
	}
}

func TestAnswers(t *testing.T) {
	const up = "\x00\x00\x00\x00\x02\x08\x01"
	for _, c := range []struct {
		name    string
		service string
		answer  func(http.ResponseWriter, string)
		want    string // of the failure
	}{
		{"serving", "", reply(up, "0", ""), ""},
		{"serving, and more", "", reply("\x00\x00\x00\x00\x09\x08\x01\x12\x03new\x18\x07", "0", ""), ""},
		{"not serving", "", reply("\x00\x00\x00\x00\x02\x08\x02", "0", ""), "the server is NOT_SERVING"},
		{"unknown", "a.B", reply("\x00\x00\x00\x00\x00", "0", ""), `service "a.B" is UNKNOWN`},
		{"a status to come", "", reply("\x00\x00\x00\x00\x02\x08\x09", "0", ""), `the server is "9"`},
		{"no such service", "a.B", func(w http.ResponseWriter, s string) {
			w.Header().Set("Grpc-Status", "5")
			w.Header().Set("Grpc-Message", "no "+s)
		}, `gRPC status NOT_FOUND: "no a.B"`},
		{"no health service", "", reply("", "12", "unknown service"), `gRPC status UNIMPLEMENTED: "unknown service"`},
		{"compressed", "", reply("\x01\x00\x00\x00\x02\x08\x01", "0", ""), "reply cannot be read"},
		{"too short", "", reply("\x00\x00\x00\x00\x05\x08\x01", "0", ""), "reply cannot be read"},
		{"too long", "", reply(strings.Repeat("x", 10000), "0", ""), "reply is longer"},
		{"no status", "", func(w http.ResponseWriter, _ string) { _, _ = io.WriteString(w, up) }, "no gRPC status"},
		{"a web server", "", func(w http.ResponseWriter, _ string) { w.WriteHeader(http.StatusNotFound) }, `HTTP status "404"`},
	} {
		for _, secured := range []bool{false, true} {
			to := health(t, secured, c.answer)
			cfg := Config{To: to, Service: c.service}
			if secured {
				cfg.TLS = &secure.Config{}
			}
			if r := attempt(t, cfg); r.OK != (c.want == "") || !strings.Contains(r.Detail, c.want) {
				t.Errorf("%s, TLS %v: got %+v, want %q", c.name, secured, r, c.want)
			}
		}
	}
}

func TestSilence(t *testing.T) {
	to := probetest.Serve(t, func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) })
	to.Timeout = 50 * time.Millisecond
	if r := attempt(t, Config{To: to}); r.Reason != probe.Timeout || r.Detail != "no complete answer within 50ms" {
		t.Errorf("got %+v", r)
	}
}

func TestLongNames(t *testing.T) {
	for n, good := range map[int]bool{MaxService: true, MaxService + 1: false} {
		if _, err := New(Config{Service: strings.Repeat("x", n)}); (err == nil) != good {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestServerWithoutHTTP2(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	s.StartTLS()
	defer s.Close()
	to := probe.Endpoint{Addr: s.Listener.Addr().(*net.TCPAddr).AddrPort(), Timeout: 20 * time.Second}
	if r := attempt(t, Config{To: to, TLS: &secure.Config{}}); r.OK || r.Reason != probe.TLS {
		t.Errorf("got %+v", r)
	}
}
