package vrrpd

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// The log says that priority 0 was sent only where somebody may have had it.
func TestPartingIsToldAsItWas(t *testing.T) {
	one, two := netip.MustParseAddr("192.0.2.12"), netip.MustParseAddr("192.0.2.13")
	refuse := map[netip.Addr]error{one: unix.EPERM}
	all := map[netip.Addr]error{one: unix.EPERM, two: unix.ENETUNREACH}
	for _, c := range []struct {
		name    string
		refused map[netip.Addr]error
		carrier bool
		want    string
	}{
		{"sent", nil, true, "(VI_1) sent 0 priority"},
		{"one of two peers", refuse, true, "(VI_1) sent 0 priority"},
		{"no peer", all, true, "(VI_1) no advert with priority 0 was sent: network is unreachable"},
		{"no carrier", nil, false, "(VI_1) no advert with priority 0 was sent: interface eth0 has no carrier"},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := unicastTo(conf.Peer{Addr: one, MinTTL: -1, MaxTTL: -1}, conf.Peer{Addr: two, MinTTL: -1, MaxTTL: -1})
			i.DontTrackPrimary = true
			b := start(t, config(i))
			b.pass(4 * time.Second)
			b.want("state", b.state(), "MASTER")
			if !c.carrier {
				link, _ := b.mirror.Link("eth0")
				link.Flags &^= unix.IFF_RUNNING
				b.changed(b.kernel.SetLink(link))
				b.settle()
			}
			b.said()
			b.net.refused = c.refused
			b.endOperation("a test")
			var told []string
			for _, line := range strings.Split(b.said(), "\n") {
				if strings.Contains(line, "priority") {
					told = append(told, line)
				}
			}
			b.want("lines", strings.Join(told, "\n"), c.want)
		})
	}
}
