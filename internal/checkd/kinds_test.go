package checkd

import (
	"bufio"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/probe/probetest"
)

func TestNameServerGoesAndComesBack(t *testing.T) {
	var code atomic.Uint32
	to := probetest.ServePackets(t, func(c *net.UDPConn, b []byte, from net.Addr) {
		reply := string(b[:2]) + "\x81" + string([]byte{byte(code.Load())}) + "\x00\x01\x00\x01\x00\x00\x00\x00" + string(b[12:])
		_, _ = c.WriteTo([]byte(reply+"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04\x01\x02\x03\x04"), from)
	})
	c := &conf.Checker{Kind: build.KindDNS, ConnectTimeout: 5 * time.Second, DelayLoop: interval, DNS: &conf.DNSCheck{Type: "A", Name: "example.org"}}
	c.Retry, c.DelayBeforeRetry, c.Alpha, c.LogAllFailures = 1, time.Millisecond, true, true
	w := start(t, config(realServer(to.Addr, c)))
	name := regexp.QuoteMeta("[127.0.0.1]:tcp:") + `\d+`
	w.hear(`^DNS_CHECK \(` + name + `\) success$`)
	w.table("[127.0.0.1=1]")
	code.Store(2)
	w.hear(`^DNS_CHECK \(` + name + `\) failed: rcode = 2 \(SERVFAIL\)$`)
	w.hear(`^DNS_CHECK \(` + name + `\) failed after 1 retries: rcode = 2 \(SERVFAIL\)$`)
	w.hear(`^Removing service ` + name + ` from VS .*: DNS_CHECK rcode = 2 \(SERVFAIL\) \(2 of 2 tries\)$`)
	w.table("[]")
	code.Store(0)
	w.hear(`^Adding service ` + name + ` to VS .*: DNS_CHECK succeeded$`)
	w.table("[127.0.0.1=1]")
}

func TestMailServerGoes(t *testing.T) {
	var greeting atomic.Value
	greeting.Store("220 mx\r\n")
	to := probetest.Serve(t, func(c *net.TCPConn) {
		in := bufio.NewReader(c)
		for _, a := range []string{greeting.Load().(string), "250 mx\r\n", "221 mx\r\n"} {
			_, _ = c.Write([]byte(a))
			if _, err := in.ReadString('\n'); err != nil {
				return
			}
		}
	})
	c := &conf.Checker{Kind: build.KindSMTP, ConnectTimeout: 5 * time.Second, DelayLoop: interval, SMTP: &conf.SMTPCheck{}}
	c.Retry, c.DelayBeforeRetry, c.Alpha = 1, time.Millisecond, true
	w := start(t, config(realServer(to.Addr, c)))
	w.hear(`^Remote SMTP server \S+ succeed on service$`)
	w.table("[127.0.0.1=1]")
	greeting.Store("421 busy\r\n")
	w.hear(`^SMTP_CHECK on service \S+ failed after 1 retries: bad greeting banner: 421 busy, expected 220$`)
	w.hear(`^Removing service \S+ from VS .*: SMTP_CHECK bad greeting banner: 421 busy, expected 220 \(2 of 2 tries\)$`)
	w.table("[]")
}

func TestDatagramsOfUDPCheck(t *testing.T) {
	var answer atomic.Value
	answer.Store("AB")
	to := probetest.ServeDatagrams(t, func(_ []byte, reply func([]byte)) { reply([]byte(answer.Load().(string))) })
	c := &conf.Checker{Kind: build.KindUDP, ConnectTimeout: 5 * time.Second, DelayLoop: interval,
		UDP: &conf.UDPCheck{RequireReply: true, Reply: "A", Mask: "\xff", MaxReply: 255}}
	c.Retry, c.DelayBeforeRetry, c.Alpha = 1, time.Millisecond, true
	w := start(t, config(realServer(to.Addr, c)))
	w.hear(`^UDP connection to \S+ success$`)
	answer.Store("B")
	w.hear(`^UDP_CHECK on service \S+ failed after 1 retries: reply data mismatch at byte 1: 0x\S+, expected 0x\S+$`)
	w.hear(`^Removing service \S+ from VS .*: UDP_CHECK reply data mismatch at byte 1: 0x\S+, expected 0x\S+ \(2 of 2 tries\)$`)
	w.table("[]")
}

func TestFileWeighs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	c := &conf.Checker{Kind: build.KindFile, File: &conf.FileCheck{TrackFile: "F"}}
	cfg := config(realServer(netip.MustParseAddrPort("127.0.0.2:80"), c))
	cfg.TrackFiles = []*conf.TrackFile{{Name: "F", Path: path, Weight: 3}}
	write(t, path, "2")
	w := start(t, cfg)
	w.hear(`^Changing weight from 1 to 7 for active service \[127.0.0.2\]:tcp:80 of VS \S+: FILE_CHECK of F$`)
	w.table("[127.0.0.2=7]")
	write(t, path, "-2000000000")
	w.hear(`^\(\[127.0.0.2\]:tcp:80\): tracked file F now FAULT state: tracked file F holds -2000000000, which makes -6000000000$`)
	w.hear(`^Removing service \S+ from VS .*: FILE_CHECK tracked file F holds -2000000000`)
	w.table("[]")
	write(t, path, "1")
	w.hear(`^\(\[127.0.0.2\]:tcp:80\): tracked file F leaving FAULT state$`)
	w.table("[127.0.0.2=4]")
}

func TestFilesAreInitialised(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	check := func(name string) *conf.Checker {
		return &conf.Checker{Kind: build.KindFile, File: &conf.FileCheck{TrackFile: name}}
	}
	cfg := config(realServer(netip.MustParseAddrPort("127.0.0.2:80"), check("F"), check("F"), check("G")))
	cfg.TrackFiles = []*conf.TrackFile{
		{Name: "F", Path: path, Init: true, Value: 2, Overwrite: true},
		{Name: "G", Path: filepath.Join(dir, "no", "folder"), Init: true},
	}
	for _, step := range []struct {
		start bool
		want  string
	}{{false, "2\n"}, {false, "9"}, {true, "2\n"}} {
		if faults := initFiles(build.FromLVS(cfg), step.start); len(faults) != 1 {
			t.Errorf("faults %q", faults)
		}
		if b, _ := os.ReadFile(path); string(b) != step.want {
			t.Errorf("%+v: %q", step, b)
		}
		write(t, path, "9")
	}
}
