package netns_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
	"github.com/holdfast-ha/holdfast/internal/probe/probetest"
)

// secureNginx starts Debian's nginx with TLS and HTTP/2: a certificate that is
// in order at port 443, one that ends in ten days at 444, one that has ended
// at 445; at 446 it wants to see one; at 81 it speaks HTTP/2 without TLS.
// It answers a call of gRPC's health service.
func secureNginx(t *testing.T, l *lab.Lab, n *lab.Node, ca *probetest.Authority) *lab.Process {
	t.Helper()
	dir := l.Path("secure")
	Must(t, os.MkdirAll(filepath.Join(dir, "html"), 0o755))
	Must(t, os.WriteFile(filepath.Join(dir, "html", "index.html"), []byte("hello\n"), 0o644))
	Must(t, os.WriteFile(filepath.Join(dir, "html", "serving"), []byte("\x00\x00\x00\x00\x02\x08\x01"), 0o644))
	server := func(port int, c probetest.Certificate, more string) string {
		c.Names = []string{"www.example"}
		cert, key := ca.IssueFiles(t, c)
		return fmt.Sprintf("server { listen %d ssl http2; ssl_certificate %s; ssl_certificate_key %s; root %s/html; %s }\n", port, cert, key, dir, more)
	}
	const health = `location = /grpc.health.v1.Health/Check { error_page 404 405 =200 /serving; }
		location = /serving { default_type application/grpc; add_trailer grpc-status 0; }`
	conf := filepath.Join(dir, "nginx.conf")
	Must(t, os.WriteFile(conf, []byte(fmt.Sprintf("daemon off;\nuser root root;\nworker_processes 1;\nerror_log stderr warn;\npid %[1]s/pid;\n"+
		"events { worker_connections 64; }\nhttp {\naccess_log off;\n"+
		"client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;\n"+
		"server { listen 81 http2; root %[1]s/html; }\n%s}\n", dir,
		server(443, probetest.Certificate{}, health)+server(444, probetest.Certificate{Days: 10}, "")+server(445, probetest.Certificate{Days: -2}, "")+
			server(446, probetest.Certificate{}, "ssl_verify_client on; ssl_client_certificate "+ca.File+";"))), 0o644))
	p, err := n.Start(Program(t, "nginx"), "-c", conf, "-e", "stderr")
	Must(t, err)
	return p
}

// Debian's nginx over TLS and HTTP/2: who it is, until when, and who asks.
func TestNginxOverTLS(t *testing.T) {
	Program(t, "nginx")
	l := New(t)
	s := Node(t, l, "s1", "192.0.2.21/24")
	ca := probetest.NewAuthority(t)
	server := secureNginx(t, l, s, ca)
	own, key := ca.IssueFiles(t, probetest.Certificate{Names: []string{"checker"}})
	verified := "sni_name www.example\n tls_verify\n tls_ca " + ca.File + "\n"
	page := "url {\n path /\n digest b1946ac92492d2347c6235b4d2611184\n }"
	second := "http_protocol h2\n"
	ssl := func(port int, more string) string { return checked(port, "TCP", brief("SSL_GET", more)) }
	elsewhere := func(port, to int, more string) string {
		return checked(port, "TCP", brief("SSL_GET", fmt.Sprintf("connect_port %d\n", to)+more))
	}
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config("global_defs {\n    lvs_director none\n}",
		"SSL {\n certificate "+own+"\n key "+key+"\n}",
		ssl(443, verified+second+"rise 2\n"+page),
		ssl(444, verified+"tls_expiry_warn 30\n"+page),
		ssl(445, verified+page),
		ssl(446, page),
		elsewhere(1443, 443, "sni_name other.example\n tls_verify\n tls_ca "+ca.File+"\n"+page),
		elsewhere(1445, 445, "tls_compliant\n"+page), // nobody looks
		checked(81, "TCP", brief("HTTP_GET", second+page)),
		checked(1081, "TCP", brief("HTTP_GET", "connect_port 81\n"+page)),
		checked(2443, "TCP", brief("GRPC_CHECK", "connect_port 443\n tls\n virtualhost www.example\n tls_verify\n tls_ca "+ca.File)),
	))
	for port, kind := range map[int]string{443: "SSL_GET", 444: "SSL_GET", 446: "SSL_GET", 1445: "SSL_GET", 81: "HTTP_GET", 2443: "GRPC_CHECK"} {
		WaitLog(t, a, fmt.Sprintf("Adding service [192.0.2.21]:tcp:%d to VS [192.0.2.100]:tcp:%[1]d: %s succeeded", port, kind), 1)
	}
	for _, line := range []string{
		`service [192.0.2.21]:tcp:444: certificate "CN=www.example" expires in 9 days, on 20`,
		`service [192.0.2.21]:tcp:445 failed: certificate "CN=www.example" expired on 20`,
		`service [192.0.2.21]:tcp:1443 failed: certificate "CN=www.example" is not for other.example, but for [`,
		"service [192.0.2.21]:tcp:1081 failed: answer is not HTTP",
	} {
		WaitLog(t, a, line, 1)
	}
	server.KillTree()
	WaitLog(t, a, "Removing service [192.0.2.21]:tcp:2443 from VS [192.0.2.100]:tcp:2443: GRPC_CHECK connection refused (2 of 2 tries)", 1)
	if n := strings.Count(a.Log(), "expires in 9 days"); n != 1 {
		t.Errorf("told %d times that a certificate expires", n)
	}
}

// Debian's vsftpd lets somebody in, and somebody else not.
func TestVsftpd(t *testing.T) {
	vsftpd := Program(t, "vsftpd")
	l := New(t)
	s := Node(t, l, "s1", "192.0.2.21/24")
	empty := l.Path("empty")
	Must(t, os.MkdirAll(empty, 0o755))
	conf := l.Path("vsftpd.conf")
	Must(t, os.WriteFile(conf, []byte("listen=YES\nlisten_ipv6=NO\nbackground=NO\nanonymous_enable=YES\nlocal_enable=NO\nno_anon_password=NO\n"+
		"ftp_username=daemon\nsecure_chroot_dir="+empty+"\nanon_root="+empty+"\nxferlog_enable=NO\nseccomp_sandbox=NO\n"), 0o600))
	p, err := s.Start(vsftpd, conf)
	Must(t, err)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config("global_defs {\n    lvs_director none\n}",
		checked(21, "TCP", brief("FTP_CHECK", "")),
		checked(1021, "TCP", brief("FTP_CHECK", "connect_port 21\n user anonymous\n password check@example")),
		checked(2021, "TCP", brief("FTP_CHECK", "connect_port 21\n user root\n password wrong")),
	))
	for _, port := range []int{21, 1021} {
		WaitLog(t, a, fmt.Sprintf("Adding service [192.0.2.21]:tcp:%d to VS [192.0.2.100]:tcp:%[1]d: FTP_CHECK succeeded", port), 1)
	}
	WaitLog(t, a, "FTP_CHECK on service [192.0.2.21]:tcp:2021 failed: bad USER response: 530 ", 1)
	p.KillTree()
	WaitLog(t, a, "Removing service [192.0.2.21]:tcp:21 from VS [192.0.2.100]:tcp:21: FTP_CHECK connection refused (2 of 2 tries)", 1)
}

// Debian's Redis, by the script that is ready and by one of our own; with a
// password the first is content all the same.
func TestRedis(t *testing.T) {
	redis := Program(t, "redis-server")
	l := New(t)
	s := Node(t, l, "s1", "192.0.2.21/24")
	options := []string{"--bind", "192.0.2.21", "--save", "", "--protected-mode", "no", "--dir", l.Path(""), "--daemonize", "no"}
	p, err := s.Start(redis, append(options, "--port", "6379")...)
	Must(t, err)
	_, err = s.Start(redis, append(options, "--port", "6380", "--requirepass", "secret")...)
	Must(t, err)
	own := `send "SET a b\r\n"
            expect "+OK\r\n"
            send "GET a\r\n"
            expect_regex "^\$1\r\nb"
            send_hex 51 55 49 54 0d 0a
            expect_hex 2b 4f 4b`
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config("global_defs {\n    lvs_director none\n}",
		checked(6379, "TCP", brief("EXPECT_CHECK", "service redis")),
		checked(6380, "TCP", brief("EXPECT_CHECK", "service redis")),
		checked(1379, "TCP", brief("EXPECT_CHECK", "connect_port 6379\n            "+own)),
		checked(1380, "TCP", brief("EXPECT_CHECK", "connect_port 6380\n            "+own)),
		checked(2379, "TCP", brief("EXPECT_CHECK", "connect_port 6379\n            service ldap")),
	))
	for _, port := range []int{6379, 6380, 1379} {
		WaitLog(t, a, fmt.Sprintf("Adding service [192.0.2.21]:tcp:%d to VS [192.0.2.100]:tcp:%[1]d: EXPECT_CHECK succeeded", port), 1)
	}
	WaitLog(t, a, `EXPECT_CHECK on service [192.0.2.21]:tcp:1380 failed: step 2: nothing but "-NOAUTH`, 1)
	WaitLog(t, a, `EXPECT_CHECK on service [192.0.2.21]:tcp:2379 failed: step 1: `, 1)
	p.KillTree()
	WaitLog(t, a, "Removing service [192.0.2.21]:tcp:1379 from VS [192.0.2.100]:tcp:1379: EXPECT_CHECK connection refused (2 of 2 tries)", 1)
}
