package cli

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// page serves one page, and its address as options.
func page(t *testing.T, secured bool) []string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "hello\nworld "+r.Host+"\n")
	}))
	if secured {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	host, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	return []string{"-s", host, "-p", port, "-u", "/"}
}

// hashed runs the command by one of its names.
func hashed(args ...string) (code int, out, err string) {
	var o, e bytes.Buffer
	code = Main(args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

func TestHash(t *testing.T) {
	at := append(page(t, false), "-V", "www.example")
	var first string
	for _, name := range [][]string{{"holdfast", "hash"}, {"genhash"}, {"holdfast", "-T"}, {"keepalived", "--genhash"}} {
		code, out, err := hashed(append(name, at...)...)
		if first == "" {
			first = out
		}
		if code != 0 || len(out) != 33 || out != first || err != "" {
			t.Errorf("%v: %d %q %q", name, code, out, err)
		}
	}
	code, out, _ := hashed(append([]string{"genhash", "-S"}, append(page(t, true), "-V", "www.example")...)...)
	if code != 0 || out != first {
		t.Errorf("over TLS: %d %q, without %q", code, out, first)
	}
	if _, out, _ = hashed(append([]string{"genhash", "-v"}, at...)...); !strings.Contains(out, "\n0000  68 65 6c 6c 6f 0a 77 6f - 72 6c 64 20 77 77 77 2e   hello.world www.\n") {
		t.Errorf("verbose: %s", out)
	}
	genhash, err := exec.LookPath("genhash")
	if err != nil {
		t.Skip("no genhash to compare with")
	}
	// The time is the server's and differs; so do the microseconds.
	same := func(s string) string {
		return regexp.MustCompile(`(?s)Date: [^\n]*|\d+ usecs|^.*Ascii`).ReplaceAllString(s, "")
	}
	theirs, err := exec.Command(genhash, append([]string{"-v"}, at...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	if same(string(theirs)) != same(out) {
		t.Errorf("genhash prints\n%s\nholdfast\n%s", theirs, out)
	}
}

func TestHashMistakes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	for _, c := range []struct{ args, want string }{
		{"", "are needed"},
		{"-s 127.0.0.1 -u /", "are needed"},
		{"-s localhost -p 80 -u /", "server should be an IP address, not localhost"},
		{"-s ::1 -p 70000 -u /", "invalid port number '70000'"},
		{"-s ::1 -p 80 -u / -P 3", "invalid HTTP protocol version '3'"},
		{"-s ::1 -p 80 -u / more", "unexpected argument more"},
		{"-s ::1 -p 80 -u / -z", "unknown shorthand flag"},
		{"-s " + host + " -p " + port + " -u /", "no page from " + l.Addr().String() + ": connection refused"},
	} {
		code, out, err := hashed(append([]string{"genhash"}, strings.Fields(c.args)...)...)
		if code != 1 || out != "" || !strings.Contains(err, c.want) {
			t.Errorf("%q: %d %q %q", c.args, code, out, err)
		}
	}
}
