package secure_test

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/probetest"
	"github.com/holdfast-ha/holdfast/internal/probe/secure"
)

// shake makes one connection to a server that shows cert and wants to be
// shown one of clients, if that is not nil.
func shake(t *testing.T, c secure.Config, server *tls.Config) (*secure.Conn, probe.Result) {
	t.Helper()
	to := probetest.Serve(t, func(c *net.TCPConn) {
		s := tls.Server(c, server)
		if s.Handshake() == nil {
			_, _ = s.Read(make([]byte, 1))
		}
	})
	raw, err := net.Dial("tcp", to.Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	conn, err := secure.New(c).Handshake(context.Background(), raw)
	if err != nil {
		return nil, secure.Failed(err, time.Second)
	}
	// With TLS 1.3 a server says only now that it wants another certificate.
	_ = raw.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := conn.Read(make([]byte, 1)); err != nil && strings.Contains(err.Error(), "certificate") {
		return nil, secure.Failed(err, time.Second)
	}
	return conn, probe.Result{OK: true}
}

func TestVerification(t *testing.T) {
	ca := probetest.NewAuthority(t)
	good := ca.Issue(t, probetest.Certificate{Names: []string{"www.example"}, Addrs: []string{"127.0.0.1"}})
	old := ca.Issue(t, probetest.Certificate{Names: []string{"www.example"}, Days: -3})
	young := ca.Issue(t, probetest.Certificate{Names: []string{"www.example"}, Starts: 3})
	stranger := probetest.NewAuthority(t).Issue(t, probetest.Certificate{Names: []string{"www.example"}})
	for _, c := range []struct {
		name string
		cfg  secure.Config
		cert tls.Certificate
		want string // of the failure
	}{
		{"the right one", secure.Config{Verify: true, CA: ca.File, Whom: "www.example"}, good, ""},
		{"by address", secure.Config{Verify: true, CA: ca.File, Whom: "127.0.0.1"}, good, ""},
		{"of another", secure.Config{Verify: true, CA: ca.File, Whom: "other.example"}, good, `is not for other.example, but for ["`},
		{"of another address", secure.Config{Verify: true, CA: ca.File, Whom: "127.0.0.2"}, good, `is not for 127.0.0.2, but for ["`},
		{"expired", secure.Config{Verify: true, CA: ca.File, Whom: "www.example"}, old, " expired on 20"},
		{"not valid yet", secure.Config{Verify: true, CA: ca.File, Whom: "www.example"}, young, " is not valid before 20"},
		{"signed by a stranger", secure.Config{Verify: true, CA: ca.File, Whom: "www.example"}, stranger, "signed by an unknown authority"},
		{"the system's authorities do not know it", secure.Config{Verify: true, Whom: "www.example"}, good, "signed by an unknown authority"},
		{"nobody asks", secure.Config{}, stranger, ""},
		{"nobody asks, though there are authorities", secure.Config{CA: ca.File, Whom: "other.example"}, old, ""},
		{"no file of authorities", secure.Config{Verify: true, CA: ca.File + ".no"}, good, "read the authorities: open "},
		{"nothing in the file", secure.Config{Verify: true, CA: "/dev/null"}, good, "no certificate in /dev/null"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, r := shake(t, c.cfg, &tls.Config{Certificates: []tls.Certificate{c.cert}})
			if r.OK != (c.want == "") || !strings.Contains(r.Detail, c.want) {
				t.Errorf("got %+v, want %q", r, c.want)
			}
		})
	}
}

func TestExpiryIsAWarning(t *testing.T) {
	ca := probetest.NewAuthority(t)
	day := 24 * time.Hour
	for _, c := range []struct {
		days int
		warn time.Duration
		want string
	}{{20, 30 * day, "expires in 19 days, on 20"}, {40, 30 * day, ""}, {20, 0, ""}, {-5, 30 * day, "expired on 20"}} {
		cert := ca.Issue(t, probetest.Certificate{Names: []string{"www.example"}, Days: c.days})
		conn, r := shake(t, secure.Config{ExpiryWarn: c.warn}, &tls.Config{Certificates: []tls.Certificate{cert}})
		if !r.OK || !strings.Contains(conn.Warning, c.want) || (c.want == "") != (conn.Warning == "") {
			t.Errorf("%d days: %+v, warning %q", c.days, r, conn.Warning)
		}
	}
}

func TestOwnCertificate(t *testing.T) {
	ca := probetest.NewAuthority(t)
	server := &tls.Config{
		Certificates: []tls.Certificate{ca.Issue(t, probetest.Certificate{Names: []string{"www.example"}})},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool,
	}
	cert, key := ca.IssueFiles(t, probetest.Certificate{Names: []string{"checker"}})
	if _, r := shake(t, secure.Config{Certificate: cert, Key: key}, server); !r.OK {
		t.Errorf("got %+v", r)
	}
	if _, r := shake(t, secure.Config{}, server); r.OK || r.Reason != probe.TLS {
		t.Errorf("without a certificate: %+v", r)
	}
	for _, format := range [][]string{{"-traditional", "-aes256"}, {"-aes256"}} {
		locked := filepath.Join(t.TempDir(), "locked")
		args := append([]string{"pkey", "-in", key, "-out", locked, "-passout", "pass:open sesame"}, format...)
		if out, err := exec.Command("openssl", args...).CombinedOutput(); err != nil {
			t.Skipf("openssl: %v %s", err, out)
		}
		if _, r := shake(t, secure.Config{Certificate: cert, Key: locked, Password: "open sesame"}, server); !r.OK {
			t.Errorf("%v: %+v", format, r)
		}
		_, r := shake(t, secure.Config{Certificate: cert, Key: locked, Password: "open"}, server)
		if r.OK || r.Reason != probe.Local || strings.Contains(r.Detail, "open sesame") {
			t.Errorf("%v with a wrong password: %+v", format, r)
		}
	}
}

// A renewed file is read again; one that is being written does not count.
func TestFilesAreReadAgain(t *testing.T) {
	one, two := probetest.NewAuthority(t), probetest.NewAuthority(t)
	cert := two.Issue(t, probetest.Certificate{Names: []string{"www.example"}})
	server := &tls.Config{Certificates: []tls.Certificate{cert}}
	file := filepath.Join(t.TempDir(), "ca.pem")
	cfg := secure.Config{Verify: true, CA: file, Whom: "www.example"}
	keep := secure.New(cfg)
	put := func(text []byte, at time.Duration) {
		when := time.Unix(0, 0).Add(at)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, when, when); err != nil {
			t.Fatal(err)
		}
	}
	for i, step := range []struct {
		text []byte
		ok   bool
	}{{one.PEM, false}, {two.PEM, true}, {[]byte("half"), true}, {one.PEM, false}, {nil, false}, {two.PEM, true}} {
		put(step.text, time.Duration(i)*time.Second)
		if _, r := shake(t, cfg, server); r.OK != step.ok {
			t.Errorf("step %d: %+v", i, r)
		}
	}
	_ = keep
}
