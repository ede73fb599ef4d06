package probetest

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/probe"
)

// Secured runs an attempt over TLS against the servers of Suite, which behave
// badly only when the handshake is over. protocols are those of ALPN.
func Secured(t *testing.T, attempt Attempt, protocols ...string) {
	cfg := &tls.Config{
		Certificates: []tls.Certificate{NewAuthority(t).Issue(t, Certificate{Names: []string{"www.example"}})},
		NextProtos:   protocols,
	}
	for _, b := range badServers {
		t.Run(b.name+", over TLS", func(t *testing.T) {
			defer NoLeaks(t)()
			inner := Serve(t, b.serve)
			to := Serve(t, func(c *net.TCPConn) { wrap(c, cfg, inner) })
			to.Timeout = b.timeout()
			if slices.Contains(b.want, probe.Timeout) {
				to.Timeout = 5 * timeout // the handshake takes its time
			}
			want := b.want
			if !slices.Equal(want, []probe.Reason{probe.Timeout}) { // who says something may have said enough, and an end is one of TLS too
				want = append([]probe.Reason{probe.TLS, probe.BadAnswer}, want...)
			}
			expect(t, within(t, attempt, to), want...)
		})
	}
}

// wrap is TLS around what a server says, and hands on how it ends.
func wrap(c *net.TCPConn, cfg *tls.Config, inner probe.Endpoint) {
	outer := tls.Server(c, cfg)
	if outer.Handshake() != nil {
		return
	}
	in, err := net.Dial("tcp", inner.Addr.String())
	if err != nil {
		return
	}
	var asked sync.WaitGroup
	asked.Go(func() {
		_, _ = io.Copy(in, outer)
		_ = in.Close()
	})
	if _, err := io.Copy(outer, in); err != nil {
		_ = c.SetLinger(0)
	}
	_ = c.Close()
	asked.Wait()
}
