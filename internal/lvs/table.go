// Package lvs decides which services a director should offer: quorum, sorry
// servers, tiers, panic, weights, inhibition, drain and slow start, from
// configuration, verdicts and what operators say (docs/pools.md).
//
// It is pure; time is handed in. Table is its product; a director is told how it
// becomes different, by Delta.
package lvs

import (
	"net/netip"
	"time"
)

// Protocol is an IP protocol number (6 TCP, 17 UDP, 132 SCTP), 0 with a mark.
type Protocol uint8

// The protocols that IPVS knows.
const (
	TCP  Protocol = 6
	UDP  Protocol = 17
	SCTP Protocol = 132
)

// String gives keepalived's word ("TCP").
func (p Protocol) String() string {
	switch p {
	case TCP:
		return "TCP"
	case UDP:
		return "UDP"
	case SCTP:
		return "SCTP"
	}
	return "FWM"
}

// Forward is a forwarding method (linux/ip_vs.h, IP_VS_CONN_F_*).
type Forward uint8

// The forwarding methods.
const (
	NAT Forward = iota // masquerading
	Tunnel
	DirectRoute
)

// TunnelType is how Tunnel wraps packets (linux/ip_vs.h,
// IP_VS_CONN_F_TUNNEL_TYPE_*).
type TunnelType uint8

// The types of tunnels.
const (
	IPIP TunnelType = iota
	GUE
	GRE
)

// The checksums of tunnels but IPIP (linux/ip_vs.h, IP_VS_TUNNEL_ENCAP_FLAG_*).
const (
	TunnelChecksum       uint16 = 1
	TunnelRemoteChecksum uint16 = 2
)

// ServiceKey names a virtual service: either address, port and protocol, or a mark.
type ServiceKey struct {
	Addr     netip.Addr
	Port     uint16
	Protocol Protocol
	Family   uint8 // 4 or 6; tells apart the marks of two families
	FWMark   uint32
}

// ServerKey names a real server within a service.
type ServerKey struct {
	Addr netip.Addr
	Port uint16
}

// Service is a virtual service with its real servers.
type Service struct {
	Scheduler         string
	Flags             uint32        // IP_VS_SVC_F_*
	Persistence       time.Duration // whole seconds; 0 = none
	Netmask           uint32        // granularity; IPv4: mask in host order; IPv6: prefix length
	PersistenceEngine string
	Proxy             ProxyService
	Servers           map[ServerKey]Server
}

// Server is a real server as the director should have it.
type Server struct {
	Forward     Forward
	Tunnel      TunnelType // the rest of it only with Forward Tunnel
	TunnelPort  uint16     // GUE
	TunnelFlags uint16     // GUE, GRE
	SendProxy   uint8      // PROXY protocol to the server, its version; 0 = none; embedded director only
	// Reset: the connections that it still has are reset. Its weight is 0 then;
	// a director that cannot do it takes the server out.
	Reset        bool
	Upper, Lower uint32 // connection thresholds, 0 = none
	Weight       int    // 0: no new connections
}

// ProxyService is what only the embedded director knows of a service; the
// kernel's IPVS has nothing like it.
type ProxyService struct {
	Transparent    bool   // servers see the client's address
	MaxConnections uint32 // at once; 0 = as many as all services may have
}

// Table is everything a director should offer.
type Table map[ServiceKey]Service
