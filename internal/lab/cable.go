package lab

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
)

// Port is a network interface of a node.
type Port struct {
	LAN       string   // the segment it is plugged into, made on first use
	Name      string   // of the interface, e.g. eth0
	Addresses []string // with prefix length, e.g. 192.0.2.1/24
}

// cable is a pair of virtual Ethernet interfaces: one end is the node's port,
// the other hangs on a segment's bridge.
type cable struct {
	node   *Node
	port   string
	far    int // index of the bridge's end in Lab.wires
	bridge int
}

func (l *Lab) plug(n *Node, p Port) error {
	bridge, err := l.ensureLAN(p.LAN)
	if err != nil {
		return err
	}
	l.mu.Lock()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = fmt.Sprintf("port%d", len(l.cables))
	attrs.MasterIndex = bridge
	c := &cable{node: n, port: p.Name, bridge: bridge}
	l.cables = append(l.cables, c)
	l.mu.Unlock()

	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: p.Name, PeerNamespace: netlink.NsFd(n.fd)}
	if err := l.wires.links.LinkAdd(veth); err != nil {
		return err
	}
	far, err := l.wires.links.LinkByName(attrs.Name)
	if err != nil {
		return err
	}
	c.far = far.Attrs().Index
	if err := l.wires.links.LinkSetUp(far); err != nil {
		return err
	}
	if err := n.SetLink(p.Name, true); err != nil {
		return err
	}
	if err := l.awaitCarrier(c); err != nil {
		return err
	}
	for _, a := range p.Addresses {
		if err := n.AddAddress(p.Name, a); err != nil {
			return err
		}
	}
	return nil
}

const (
	carrierLimit = 5 * time.Second
	carrierLook  = time.Millisecond
)

// awaitCarrier waits until frames pass a cable: the kernel looks at a new
// carrier a little later, and drops what comes before.
func (l *Lab) awaitCarrier(c *cable) error {
	for end := time.Now().Add(carrierLimit); ; time.Sleep(carrierLook) {
		far, err := l.wires.links.LinkByIndex(c.far)
		if err != nil {
			return err
		}
		near, err := c.node.links.LinkByName(c.port)
		if err != nil {
			return err
		}
		if far.Attrs().OperState == netlink.OperUp && near.Attrs().OperState == netlink.OperUp {
			return nil
		}
		if near.Attrs().Flags&net.FlagUp == 0 {
			return nil // by somebody's will: it will not come
		}
		if time.Now().After(end) {
			return fmt.Errorf("cable of %s %s: no carrier within %v", c.node.name, c.port, carrierLimit)
		}
	}
}

// Cut pulls the cables of a node's ports (all of them if none is named): the
// node's interface loses its carrier, as it does when a switch dies.
func (l *Lab) Cut(node string, ports ...string) error {
	return l.eachCable(node, ports, func(c *cable, far netlink.Link) error {
		return l.wires.links.LinkSetDown(far)
	})
}

// Isolate lets the carrier be and drops every frame instead: the node cannot
// see that it is alone, as with a broken switch port or a wrong VLAN.
func (l *Lab) Isolate(node string, ports ...string) error {
	return l.eachCable(node, ports, func(c *cable, far netlink.Link) error {
		return l.wires.links.LinkSetNoMaster(far)
	})
}

// Heal undoes Cut and Isolate.
func (l *Lab) Heal(node string, ports ...string) error {
	return l.eachCable(node, ports, func(c *cable, far netlink.Link) error {
		if err := l.wires.links.LinkSetMasterByIndex(far, c.bridge); err != nil {
			return err
		}
		if err := l.wires.links.LinkSetUp(far); err != nil {
			return err
		}
		return l.awaitCarrier(c)
	})
}

func (l *Lab) eachCable(node string, ports []string, do func(*cable, netlink.Link) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := false
	for _, c := range l.cables {
		if c.node.name != node || len(ports) > 0 && !slices.Contains(ports, c.port) {
			continue
		}
		found = true
		far, err := l.wires.links.LinkByIndex(c.far)
		if err == nil {
			err = do(c, far)
		}
		if err != nil {
			return fmt.Errorf("cable of %s %s: %w", c.node.name, c.port, err)
		}
	}
	if !found {
		return fmt.Errorf("node %s has no such port %v", node, ports)
	}
	return nil
}

// SetLink sets an interface of the node up or down.
func (n *Node) SetLink(name string, up bool) error {
	link, err := n.links.LinkByName(name)
	if err != nil {
		return fmt.Errorf("%s on %s: %w", name, n.name, err)
	}
	if up {
		return n.links.LinkSetUp(link)
	}
	return n.links.LinkSetDown(link)
}

// AddAddress adds an address with its prefix length to an interface. IPv6
// addresses are usable at once: there is nobody to collide with.
func (n *Node) AddAddress(name, prefix string) error {
	return n.eachAddress(name, prefix, n.links.AddrAdd, "add")
}

// DelAddress removes an address, behind the back of whoever put it there.
func (n *Node) DelAddress(name, prefix string) error {
	return n.eachAddress(name, prefix, n.links.AddrDel, "remove")
}

func (n *Node) eachAddress(name, prefix string, do func(netlink.Link, *netlink.Addr) error, verb string) error {
	link, err := n.links.LinkByName(name)
	if err != nil {
		return fmt.Errorf("%s on %s: %w", name, n.name, err)
	}
	p, err := netip.ParsePrefix(prefix)
	if err != nil {
		return err
	}
	bits := p.Addr().BitLen()
	addr := &netlink.Addr{IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), bits)}}
	if bits == 128 {
		addr.Flags = ifaNoDAD
	}
	if err := do(link, addr); err != nil {
		return fmt.Errorf("%s %s on %s of %s: %w", verb, prefix, name, n.name, err)
	}
	return nil
}

const ifaNoDAD = 0x02 // IFA_F_NODAD, linux/if_addr.h

// Addresses lists what the kernel has on an interface, link-local ones left out.
func (n *Node) Addresses(name string) ([]netip.Prefix, error) {
	link, err := n.links.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("%s on %s: %w", name, n.name, err)
	}
	list, err := n.links.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("addresses of %s on %s: %w", name, n.name, err)
	}
	var out []netip.Prefix
	for _, a := range list {
		addr, ok := netip.AddrFromSlice(a.IP)
		addr = addr.Unmap()
		if bits, _ := a.Mask.Size(); ok && !addr.IsLinkLocalUnicast() {
			out = append(out, netip.PrefixFrom(addr, bits))
		}
	}
	return out, nil
}

// Has tells whether any interface of the node has the address.
func (n *Node) Has(address string) bool {
	want, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	list, err := n.links.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return false
	}
	for _, a := range list {
		if addr, ok := netip.AddrFromSlice(a.IP); ok && addr.Unmap() == want {
			return true
		}
	}
	return false
}
