// What the wire saw: VRRP adverts and gratuitous ARPs with the kernel's
// receive timestamps, captured in a third namespace.
package main

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// frame is one packet that matters here.
type frame struct {
	at       time.Time // when the kernel received it
	garp     bool
	source   netip.Addr // of the advert; of a gratuitous ARP, its address
	priority byte
	vrid     byte
}

// capture collects frames from a packet socket until it is closed.
type capture struct {
	fd     int
	mu     sync.Mutex
	frames []frame
	done   chan struct{}
}

// openCapture must be called on a thread that is in the namespace.
func openCapture(ifindex int) (*capture, error) {
	all := int(binary.BigEndian.Uint16([]byte{unix.ETH_P_ALL >> 8, unix.ETH_P_ALL & 0xff}))
	all = all>>8&0xff | all<<8&0xff00
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, all)
	if err != nil {
		return nil, err
	}
	sll := &unix.SockaddrLinklayer{Protocol: uint16(all), Ifindex: ifindex}
	for _, err := range []error{
		unix.Bind(fd, sll),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}),
	} {
		if err != nil {
			_ = unix.Close(fd)
			return nil, err
		}
	}
	c := &capture{fd: fd, done: make(chan struct{})}
	go c.read()
	return c, nil
}

func (c *capture) read() {
	buf, oob := make([]byte, 2048), make([]byte, 256)
	for {
		select {
		case <-c.done:
			_ = unix.Close(c.fd)
			return
		default:
		}
		n, on, _, _, err := unix.Recvmsg(c.fd, buf, oob, 0)
		if err != nil {
			continue // the receive timeout, so that done is seen
		}
		if f, ok := decode(buf[:n]); ok {
			f.at = stamp(oob[:on])
			c.mu.Lock()
			c.frames = append(c.frames, f)
			c.mu.Unlock()
		}
	}
}

// take returns what came since the last call.
func (c *capture) take() []frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.frames
	c.frames = nil
	return f
}

func (c *capture) close() { close(c.done) }

// stamp reads the SCM_TIMESTAMPNS control message.
func stamp(oob []byte) time.Time {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return time.Time{}
	}
	for _, m := range msgs {
		if m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			return time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
		}
	}
	return time.Time{}
}

func decode(b []byte) (frame, bool) {
	if len(b) < 14 {
		return frame{}, false
	}
	p := b[14:]
	switch binary.BigEndian.Uint16(b[12:]) {
	case unix.ETH_P_ARP:
		if len(p) < 28 || [4]byte(p[14:18]) != [4]byte(p[24:28]) {
			return frame{}, false
		}
		return frame{garp: true, source: netip.AddrFrom4([4]byte(p[14:18]))}, true
	case unix.ETH_P_IP:
		if len(p) < 20 || p[9] != 112 {
			return frame{}, false
		}
		ihl := int(p[0]&15) * 4
		if len(p) < ihl+8 {
			return frame{}, false
		}
		return frame{source: netip.AddrFrom4([4]byte(p[12:16])), priority: p[ihl+2], vrid: p[ihl+1]}, true
	}
	return frame{}, false
}
