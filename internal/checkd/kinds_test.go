package checkd

import (
	"net"
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
