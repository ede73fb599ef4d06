package vrrpd

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

const vip = "192.0.2.100/24"

// oversleeps is a master that wakes after a minute.
func oversleeps(t *testing.T) *bench {
	t.Helper()
	b := start(t, config(instance("VI_1", 51, 100, vip)))
	b.pass(4 * time.Second)
	b.want("state", b.state(), "MASTER")
	b.kernel.Told()
	b.net.take()
	b.said()
	b.at = b.at.Add(time.Minute)
	return b
}

// Alone, a master keeps its addresses, and says nothing until it has listened.
func TestSleeperKeepsItsAddresses(t *testing.T) {
	b := oversleeps(t)
	announced := b.net.announced[vip]
	b.woke(time.Minute, 0)
	b.step(vrrp.Tick{Late: time.Minute})
	b.pace.announce(b.at, b.edges[0], 1) // somebody asks for it
	b.pace.burst(b.at)
	b.want("adverts", b.net.take(), "")
	b.want("written", b.kernel.Told(), "")
	if b.net.announced[vip] != announced {
		t.Error("announced while it listens")
	}
	i := b.survey(false).status().Instances[0]
	if i.State != "MASTER" || i.ListensMS != 1000 || i.Readiness != "was asleep and listens; goes on in 1.0s unless another one has taken over" {
		t.Errorf("status %+v", i)
	}
	b.pass(time.Second)
	b.want("adverts", b.net.take(), "VI_1 100 to 224.0.0.18")
	b.want("written", b.kernel.Told(), "")
	if b.net.announced[vip] == announced {
		t.Error("not announced again")
	}
	b.want("lines", b.said(), "(VI_1) slept for 60.000s and listens for 1.000s before it goes on: nobody was heard meanwhile\n"+
		"(VI_1) goes on after it slept for 60.000s: nobody has taken over")
}

// What came meanwhile is heard before anything is said.
func TestSleeperHearsFirst(t *testing.T) {
	b := oversleeps(t)
	b.net.heard = func() { b.hear("192.0.2.12", 51, 90, "192.0.2.100") }
	b.woke(time.Minute, 0)
	b.want("adverts", b.net.take(), "")
	b.want("state", b.state(), "BACKUP")
	b.want("written", b.kernel.Told(), "ip addr del "+vip+" dev eth0")
	if s := b.said(); !strings.Contains(s, "Entering BACKUP STATE: slept for 60.000s, and 192.0.2.12 of priority 90 has taken over") {
		t.Errorf("lines: %s", s)
	}
}

// What the kernel dropped (vip_lease) somebody else may have by now.
func TestSleeperPutsNothingBackBeforeItHasListened(t *testing.T) {
	b := oversleeps(t)
	b.woke(time.Minute, time.Minute)
	b.changed(b.kernel.Take(kernel.Key(1, netip.MustParsePrefix(vip))))
	b.settle()
	b.compareAll()
	b.want("written", b.kernel.Told(), "")
	if s := b.said(); !strings.Contains(s, "before it goes on: the machine was suspended") || strings.Contains(s, "put back") {
		t.Errorf("lines: %s", s)
	}
	b.pass(time.Second)
	b.want("written", b.kernel.Told(), "ip addr add "+vip+" dev eth0")
}
