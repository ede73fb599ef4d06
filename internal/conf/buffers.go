package conf

import (
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// Buffer is how much a socket of the daemon's may hold that was not read yet.
type Buffer struct {
	Bytes int  // SO_RCVBUF; 0: holdfast's own size
	Force bool // also beyond net.core.rmem_max (SO_RCVBUFFORCE)
}

// Buffers are those of a configuration.
type Buffers struct {
	VRRPCommand, VRRPMonitor Buffer // vrrp_netlink_cmd_rcv_bufs, vrrp_netlink_monitor_rcv_bufs
	LVSMonitor               Buffer // lvs_netlink_monitor_rcv_bufs
	ProcessMonitor           Buffer // process_monitor_rcv_bufs

	// Policy (vrrp_rx_bufs_policy) is what each router adds to the buffer of its
	// family's socket: "" nothing of its own, RxMTU, RxAdvert, or RxBytes.
	Policy     string
	Bytes      int // with RxBytes
	Multiplier int // vrrp_rx_bufs_multiplier, of the other two; default 3
}

// What vrrp_rx_bufs_policy says.
const (
	RxMTU    = "MTU"
	RxAdvert = "ADVERT"
	RxBytes  = "NUMBER"
)

const defaultRxMultiplier = 3

func buffers(l *loader) *Buffers { return &global(l).Buffers }

var globalBuffers = rows{
	{Name: "vrrp_netlink_cmd_rcv_bufs", Args: numOf("BYTES", 0, maxUint32), Soft: true, Doc: "The receive buffer of the netlink socket with which VRRP changes addresses and routes.", Set: setBufferBytes},
	{Name: "vrrp_netlink_cmd_rcv_bufs_force", Args: on, Doc: "Set it beyond the system's limit.", Set: setBufferForce},
	{Name: "vrrp_netlink_monitor_rcv_bufs", Args: numOf("BYTES", 0, maxUint32), Soft: true, Doc: "The receive buffer of the netlink socket on which VRRP hears of changes.", Set: setBufferBytes},
	{Name: "vrrp_netlink_monitor_rcv_bufs_force", Args: on, Doc: "Set it beyond the system's limit.", Set: setBufferForce},
	{Name: "process_monitor_rcv_bufs", Args: numOf("BYTES", 0, maxUint32), Soft: true, Doc: "The receive buffer of the netlink socket on which the kernel tells of processes.", Set: setBufferBytes},
	{Name: "process_monitor_rcv_bufs_force", Args: on, Doc: "Set it beyond the system's limit.", Set: setBufferForce},
	{Name: "lvs_netlink_monitor_rcv_bufs", Args: numOf("BYTES", 0, maxUint32), Soft: true, Doc: "The receive buffer of the netlink socket on which the checkers hear of addresses.", Set: setBufferBytes},
	{Name: "lvs_netlink_monitor_rcv_bufs_force", Args: on, Doc: "Set it beyond the system's limit.", Set: setBufferForce},
	{Name: "lvs_netlink_cmd_rcv_bufs", Args: numOf("BYTES", 0, maxUint32), Soft: true, Doc: "The receive buffer of the netlink socket with which keepalived's checkers write; holdfast's has room for all answers to what it asks."},
	{Name: "lvs_netlink_cmd_rcv_bufs_force", Args: on, Doc: "Set it beyond the system's limit."},
	{Name: "vrrp_rx_bufs_policy", Args: args{{Kind: schema.Words, Label: "MTU|ADVERT|NUMBER"}}, Soft: true, Doc: "What each instance adds to the receive buffer of the socket for adverts, which it shares with all of its family: the MTU of its interface or the length of its advert, times vrrp_rx_bufs_multiplier, or so many bytes.", Set: setRxPolicy},
	{Name: "vrrp_rx_bufs_multiplier", Exact: true, Args: num(1, maxUint32), Soft: true, Doc: "How many MTUs or adverts that is.", To: integer(func(l *loader) *int { return &buffers(l).Multiplier })},
}

func setBufferBytes(l *loader, s *stmt) { bufferOf(l, s).Bytes = s.Int() }
func setBufferForce(l *loader, s *stmt) { bufferOf(l, s).Force = s.Bool() }

// bufferOf is the buffer that a keyword that begins with its name is about.
func bufferOf(l *loader, s *stmt) *Buffer {
	b := buffers(l)
	switch name, _, _ := strings.Cut(s.Keyword().Text, "_rcv_bufs"); name {
	case "vrrp_netlink_cmd":
		return &b.VRRPCommand
	case "vrrp_netlink_monitor":
		return &b.VRRPMonitor
	case "process_monitor":
		return &b.ProcessMonitor
	}
	return &b.LVSMonitor
}

// setRxPolicy reads MTU, ADVERT or a number. Words that say the same again are
// nothing to keepalived, nor are numbers behind a policy's.
func setRxPolicy(l *loader, s *stmt) {
	policy, bytes := "", 0
	for _, w := range s.Words() {
		n, err := strconv.ParseUint(w.Text, 10, 32)
		said := RxBytes
		switch {
		case strings.EqualFold(w.Text, RxMTU):
			said = RxMTU
		case strings.EqualFold(w.Text, RxAdvert):
			said = RxAdvert
		case err != nil:
			s.Fault("HF011", diag.Error, w, "vrrp_rx_bufs_policy "+strconv.Quote(w.Text)+" is not valid", "MTU, ADVERT or a number of bytes")
			return
		}
		if policy != "" && said != policy {
			s.Fault("HF013", diag.Error, w, "vrrp_rx_bufs_policy is "+s.Words()[0].Text+" already, the line is ignored", "one of MTU, ADVERT and a number of bytes")
			return
		}
		policy = said
		if said == RxBytes {
			bytes = int(n) // 32 bits
		}
	}
	buffers(l).Policy, buffers(l).Bytes = policy, bytes
}
