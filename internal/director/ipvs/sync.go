package ipvs

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// Role is what a sync daemon does (linux/ip_vs.h, IP_VS_STATE_*).
type Role uint32

// The roles. The kernel runs at most one daemon of each.
const (
	Sender   Role = 1 // "master": sends our connections
	Receiver Role = 2 // "backup": takes those of others
)

// String gives the kernel's word.
func (r Role) String() string {
	if r == Sender {
		return "master"
	}
	return "backup"
}

// SyncDaemon describes a sync daemon; zero values leave a choice to the kernel.
type SyncDaemon struct {
	Interface string
	ID        uint8
	MaxLen    uint16     // bytes
	Port      uint16     // 8848
	TTL       uint8      // 1
	Group     netip.Addr // 224.0.0.81
}

// Sync is a client for the kernel's sync daemons. Only one goroutine uses it.
type Sync struct{ d *Director }

// OpenSync fails as Open does.
func OpenSync(in Place) (*Sync, error) {
	s, family, err := dial(in)
	if err != nil {
		return nil, err
	}
	return &Sync{open(s, family)}, nil
}

// Start starts a daemon. One that is there already is an error (EEXIST).
func (s *Sync) Start(r Role, c SyncDaemon) error {
	body := func(b *batch) {
		end := b.nest(attrDaemon)
		defer end()
		b.attr32(daemonState, uint32(r))
		b.text(daemonInterface, c.Interface)
		b.attr32(daemonSyncID, uint32(c.ID))
		if c.MaxLen != 0 {
			b.attr16(daemonMaxLen, c.MaxLen)
		}
		if c.Port != 0 {
			b.attr16(daemonPort, c.Port)
		}
		if c.TTL != 0 {
			b.attr(daemonTTL, []byte{c.TTL})
		}
		switch {
		case c.Group.Is4():
			b.attr(daemonGroup, c.Group.AsSlice())
		case c.Group.Is6():
			b.attr(daemonGroup6, c.Group.AsSlice())
		}
	}
	if err := s.d.ask(cmdNewDaemon, flagAck, body, nil); err != nil {
		return fmt.Errorf("start the IPVS sync daemon (%v) on %s: %w", r, c.Interface, err)
	}
	return nil
}

// Stop stops the daemon of a role; that there is none is no error.
func (s *Sync) Stop(r Role) error {
	body := func(b *batch) {
		end := b.nest(attrDaemon)
		b.attr32(daemonState, uint32(r))
		end()
	}
	if err := s.d.ask(cmdDelDaemon, flagAck, body, nil); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop the IPVS sync daemon (%v): %w", r, err)
	}
	return nil
}

// Running returns the daemons that there are, also those of others.
func (s *Sync) Running() (map[Role]SyncDaemon, error) {
	out := map[Role]SyncDaemon{}
	err := s.d.ask(cmdGetDaemon, flagDump, nil, func(b []byte) error {
		var r Role
		var c SyncDaemon
		ad := inside(b, attrDaemon)
		for ad.Next() {
			switch ad.Type() {
			case daemonState:
				r = Role(ad.Uint32())
			case daemonInterface:
				c.Interface = ad.String()
			case daemonSyncID:
				c.ID = uint8(ad.Uint32()) // 0 to 255 in the kernel
			case daemonMaxLen:
				c.MaxLen = ad.Uint16()
			case daemonPort:
				c.Port = ad.Uint16()
			case daemonTTL:
				c.TTL = ad.Uint8()
			case daemonGroup, daemonGroup6:
				c.Group, _ = netip.AddrFromSlice(ad.Bytes())
			}
		}
		out[r] = c
		return ad.err
	})
	if err != nil {
		return nil, fmt.Errorf("read the IPVS sync daemons: %w", err)
	}
	return out, nil
}

// Close closes the socket; daemons go on.
func (s *Sync) Close() error { return s.d.kernel.close() }
