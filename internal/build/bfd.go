package build

import (
	"net/netip"

	"github.com/holdfast-ha/holdfast/internal/bfd"
	"github.com/holdfast-ha/holdfast/internal/conf"
)

// BFD is all that the BFD daemon does with one configuration.
type BFD struct {
	Sessions []BFDSession // by name each one once
	// Process says what the process asks of the kernel.
	Process conf.Process
}

// BFDSession is one session, with its edge.
type BFDSession struct {
	Name string
	// Neighbour is the other side; Source is where we send from, invalid: the
	// kernel chooses.
	Neighbour, Source netip.Addr
	Multihop          bool
	TTL               int // of what is sent
	// MinTTL is the least of what is received, 0: not looked at.
	MinTTL int
	// Machine is for the session, but for the discriminator.
	Machine bfd.Config
	// VRRP and Checker say who is told of the session.
	VRRP, Checker bool
}

const gtsm = 255 // RFC 5881 §5: TTL or hop limit of 255, and nothing less

// FromBFD builds what the BFD daemon needs.
func FromBFD(c *conf.Config) BFD {
	out := BFD{Process: c.Global.BFDProcess}
	for _, s := range c.BFDs {
		b := BFDSession{
			Name: s.Name, Neighbour: s.Neighbour, Source: s.Source, Multihop: s.Multihop, TTL: s.TTL,
			VRRP: s.VRRP || !s.Checker, Checker: s.Checker || !s.VRRP,
			Machine: bfd.Config{
				MinTx: s.MinTx, MinRx: s.MinRx, IdleTx: s.IdleTx, Multiplier: uint8(s.Multiplier), Passive: s.Passive, // 1–255
			},
		}
		if s.MaxHops < gtsm {
			b.MinTTL = max(leaves(s)-s.MaxHops, 1)
		}
		out.Sessions = append(out.Sessions, b)
	}
	return out
}

// leaves is the TTL with which the neighbour's packets set out. RFC 5881 says
// 255; keepalived's IPv6 packets have 64, unless both ends say otherwise.
func leaves(s *conf.BFD) int {
	if s.Neighbour.Is6() {
		return s.TTL
	}
	return gtsm
}
