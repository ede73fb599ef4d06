package ipvs

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
	"golang.org/x/sys/unix"
)

// service is one answer to GET_SERVICE; it has no servers yet.
type service struct {
	key      lvs.ServiceKey
	svc      lvs.Service
	counters director.Counters
}

// dest is one answer to GET_DEST.
type dest struct {
	key      lvs.ServerKey
	server   lvs.Server
	counters director.Counters
}

// inside gives the attributes nested in the one of type typ.
func inside(b []byte, typ uint16) attributes {
	ad := attributes{rest: b}
	for ad.Next() {
		if ad.Type() == typ {
			return attributes{rest: ad.Bytes()}
		}
	}
	if ad.err == nil {
		ad.err = fmt.Errorf("answer without attribute %d", typ)
	}
	return ad
}

func parseService(b []byte) (service, error) {
	var s service
	var af, flags, timeout uint32
	var addr, mask []byte
	var old, wide director.Counters
	ad := inside(b, attrService)
	for ad.Next() {
		switch ad.Type() {
		case svcAF:
			af = uint32(ad.Uint16())
		case svcProtocol:
			s.key.Protocol = lvs.Protocol(ad.Uint16())
		case svcAddr:
			addr = ad.Bytes()
		case svcPort:
			s.key.Port = bigPort(ad.Bytes())
		case svcFWMark:
			s.key.FWMark = ad.Uint32()
		case svcScheduler:
			s.svc.Scheduler = ad.String()
		case svcFlags:
			if raw := ad.Bytes(); len(raw) == 8 {
				flags = native.Uint32(raw)
			}
		case svcTimeout:
			timeout = ad.Uint32()
		case svcNetmask:
			mask = ad.Bytes()
		case svcEngine:
			s.svc.PersistenceEngine = ad.String()
		case svcStats:
			stats(&old, ad.Bytes())
		case svcStats64:
			stats(&wide, ad.Bytes())
		}
	}
	if ad.err != nil {
		return s, fmt.Errorf("read a service: %w", ad.err)
	}
	s.key.Family = 4
	if af == unix.AF_INET6 {
		s.key.Family = 6
	}
	if s.key.FWMark == 0 {
		s.key.Addr = address(s.key.Family, addr)
	}
	s.key = director.Canonical(s.key)
	s.svc.Flags = flags
	if flags&director.FlagPersistent != 0 {
		s.svc.Persistence = time.Duration(timeout) * time.Second
		s.svc.Netmask = parseMask(s.key.Family, mask)
	}
	s.svc = director.CanonicalService(s.key, s.svc)
	s.counters = wider(wide, old)
	return s, nil
}

// parseDest reads a server; family is that of its service, for kernels older
// than 3.18 that do not tell the server's own.
func parseDest(b []byte, family uint8) (dest, error) {
	var d dest
	var addr []byte
	var old, wide director.Counters
	ad := inside(b, attrDest)
	for ad.Next() {
		switch ad.Type() {
		case destFamily:
			family = 4
			if ad.Uint16() == unix.AF_INET6 {
				family = 6
			}
		case destAddr:
			addr = ad.Bytes()
		case destPort:
			d.key.Port = bigPort(ad.Bytes())
		case destForward:
			d.server.Forward = parseForward(ad.Uint32())
		case destWeight:
			d.server.Weight = int(int32(ad.Uint32()))
		case destUpper:
			d.server.Upper = ad.Uint32()
		case destLower:
			d.server.Lower = ad.Uint32()
		case destTunType:
			d.server.Tunnel = lvs.TunnelType(ad.Uint8())
		case destTunPort:
			d.server.TunnelPort = bigPort(ad.Bytes())
		case destTunFlags:
			d.server.TunnelFlags = ad.Uint16()
		case destActive:
			d.counters.Active = ad.Uint32()
		case destInactive:
			d.counters.Inactive = ad.Uint32()
		case destPersistent:
			d.counters.Persistent = ad.Uint32()
		case destStats:
			stats(&old, ad.Bytes())
		case destStats64:
			stats(&wide, ad.Bytes())
		}
	}
	if ad.err != nil {
		return d, fmt.Errorf("read a real server: %w", ad.err)
	}
	d.key.Addr = address(family, addr)
	c := wider(wide, old)
	c.Active, c.Inactive, c.Persistent = d.counters.Active, d.counters.Inactive, d.counters.Persistent
	d.counters = c
	return d, nil
}

// stats reads both forms: the old has 32-bit counts beside 64-bit bytes, the
// one since 4.1 has 64 bits throughout.
func stats(c *director.Counters, b []byte) {
	for ad := over(b); ad.Next(); {
		v := number(ad.Bytes())
		switch ad.Type() {
		case statConns:
			c.Connections = v
		case statInPkts:
			c.InPackets = v
		case statOutPkts:
			c.OutPackets = v
		case statInBytes:
			c.InBytes = v
		case statOutBytes:
			c.OutBytes = v
		case statConnRate:
			c.ConnectionRate = v
		case statInPktRate:
			c.InPacketRate = v
		case statOutPktRate:
			c.OutPacketRate = v
		case statInByteRate:
			c.InByteRate = v
		case statOutByteRate:
			c.OutByteRate = v
		}
	}
}

func wider(wide, old director.Counters) director.Counters {
	if wide == (director.Counters{}) {
		return old
	}
	return wide
}

func number(b []byte) uint64 {
	switch len(b) {
	case 8:
		return native.Uint64(b)
	case 4:
		return uint64(native.Uint32(b))
	}
	return 0
}

func bigPort(b []byte) uint16 {
	if len(b) != 2 {
		return 0
	}
	return binary.BigEndian.Uint16(b)
}

// address takes what the kernel gives: 16 bytes, of which IPv4 uses four.
func address(family uint8, b []byte) netip.Addr {
	if family == 4 && len(b) >= 4 {
		return netip.AddrFrom4([4]byte(b[:4]))
	}
	if family == 6 && len(b) >= 16 {
		return netip.AddrFrom16([16]byte(b[:16]))
	}
	return netip.Addr{}
}

func parseMask(family uint8, b []byte) uint32 {
	if len(b) != 4 {
		return 0
	}
	if family == 6 {
		return native.Uint32(b)
	}
	return binary.BigEndian.Uint32(b)
}

// parseForward takes a local server for what it behaves like, direct routing.
func parseForward(v uint32) lvs.Forward {
	switch v & forwardMask {
	case forwardTunnel:
		return lvs.Tunnel
	case forwardRoute, forwardLocal:
		return lvs.DirectRoute
	}
	return lvs.NAT
}

func parseTimeouts(b []byte) (director.Timeouts, error) {
	var t director.Timeouts
	ad := over(b)
	for ad.Next() {
		switch ad.Type() {
		case attrTimeoutTCP:
			t.TCP = time.Duration(ad.Uint32()) * time.Second
		case attrTimeoutTCPFin:
			t.TCPFin = time.Duration(ad.Uint32()) * time.Second
		case attrTimeoutUDP:
			t.UDP = time.Duration(ad.Uint32()) * time.Second
		}
	}
	return t, ad.err
}

func parseVersion(b []byte) (uint32, error) {
	ad := over(b)
	var v uint32
	for ad.Next() {
		if ad.Type() == infoVersion {
			v = ad.Uint32()
		}
	}
	return v, ad.err
}
