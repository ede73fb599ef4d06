package snmp

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// usualPort is AgentX's over TCP (RFC 2741 §8.1.1).
const usualPort = "705"

// target reads an address as net-snmp has it: a path, unix:PATH, tcp:HOST:PORT,
// tcp6:[HOST]:PORT, HOST:PORT or PORT.
func target(s string) (network, address string) {
	if s == "" {
		s = conf.DefaultAgentX
	}
	if strings.HasPrefix(s, "/") {
		return "unix", s
	}
	kind, rest, ok := strings.Cut(s, ":")
	switch {
	case ok && kind == "unix":
		return "unix", rest
	case ok && (kind == "tcp" || kind == "tcp6"):
		s = rest
		network = kind
	case ok && (kind == "udp" || kind == "udp6"):
		return kind, rest
	default:
		network = "tcp"
	}
	if !strings.Contains(s, ":") {
		if strings.Trim(s, "0123456789") == "" {
			return network, net.JoinHostPort("localhost", s)
		}
		return network, net.JoinHostPort(s, usualPort)
	}
	return network, s
}

// dial connects to the master.
func dial(ctx context.Context, socket string) (net.Conn, error) {
	network, address := target(socket)
	if strings.HasPrefix(network, "udp") {
		return nil, fmt.Errorf("connect to the AgentX master %s: AgentX goes over unix: and tcp: (RFC 2741 §8)", socket)
	}
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("connect to the AgentX master %s:%s: %w", network, address, err)
	}
	return c, nil
}
