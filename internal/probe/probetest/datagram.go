package probetest

import (
	"bytes"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/probe"
)

// Short is a timeout for attempts that are to run into it.
const Short = timeout

// Other is another address of loopback.
var Other = netip.MustParseAddr("127.0.0.7")

// ServePackets runs a server over UDP on loopback until the test ends.
func ServePackets(t *testing.T, serve func(c *net.UDPConn, b []byte, from net.Addr)) probe.Endpoint {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 64<<10)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			serve(c, buf[:n], from)
		}
	})
	atEnd(t, func() {
		_ = c.Close()
		wg.Wait()
	})
	return probe.Endpoint{Addr: c.LocalAddr().(*net.UDPAddr).AddrPort(), Timeout: patience}
}

// ServeDatagrams is ServePackets for a server that only answers.
func ServeDatagrams(t *testing.T, serve func(b []byte, reply func([]byte))) probe.Endpoint {
	t.Helper()
	return ServePackets(t, func(c *net.UDPConn, b []byte, from net.Addr) {
		serve(b, func(answer []byte) { _, _ = c.WriteTo(answer, from) })
	})
}

// Unheard is an address on loopback at which nobody takes datagrams.
func Unheard(t *testing.T) netip.AddrPort {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

var badPeers = []struct {
	name  string
	serve func(b []byte, reply func([]byte))
	want  []probe.Reason
}{
	{"never answers", func([]byte, func([]byte)) {}, []probe.Reason{probe.Timeout}},
	{"sends nothing in a datagram", func(_ []byte, reply func([]byte)) { reply(nil) }, []probe.Reason{probe.BadAnswer}},
	{"sends a byte at a time", func(_ []byte, reply func([]byte)) {
		for range 5 {
			reply([]byte{0})
			time.Sleep(timeout / 10)
		}
	}, []probe.Reason{probe.BadAnswer}},
	{"sends garbage", func(_ []byte, reply func([]byte)) {
		reply([]byte("\x00\xff\xfe nothing\n\n\x80 that anybody would send"))
	}, []probe.Reason{probe.BadAnswer}},
	{"sends back what it gets", func(b []byte, reply func([]byte)) { reply(b) }, []probe.Reason{probe.BadAnswer}},
	{"floods", func(_ []byte, reply func([]byte)) {
		for range 2000 {
			reply(bytes.Repeat([]byte{0xff}, 60000))
		}
	}, []probe.Reason{probe.BadAnswer}},
}

// Datagrams runs an attempt over UDP, which wants a right answer, against bad
// servers.
func Datagrams(t *testing.T, attempt Attempt) {
	for _, b := range badPeers {
		t.Run(b.name, func(t *testing.T) {
			defer NoLeaks(t)()
			to := ServeDatagrams(t, b.serve)
			to.Timeout = timeout
			expect(t, within(t, attempt, to), b.want...)
		})
	}
	t.Run("port unreachable", func(t *testing.T) {
		defer NoLeaks(t)()
		expect(t, within(t, attempt, probe.Endpoint{Addr: Unheard(t), Timeout: patience}), probe.Refused)
	})
	t.Run("source address is not here", func(t *testing.T) {
		defer NoLeaks(t)()
		to := ServeDatagrams(t, func([]byte, func([]byte)) {})
		to.BindTo, to.Timeout = netip.MustParseAddr("192.0.2.77"), timeout
		expect(t, within(t, attempt, to), probe.Local)
	})
}
