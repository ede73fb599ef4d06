package conf

import (
	"cmp"

	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
)

// pathNotes is a check_path to look at when the virtual server is known.
type pathNotes struct {
	chk  *Checker
	rs   *RealServer
	word syntax.Word
}

func setPath(l *loader, s *stmt) {
	if l.chk.Path = s.Text() == "vip"; l.chk.Path {
		l.paths = append(l.paths, pathNotes{l.chk, l.rs, s.Keyword()})
	}
}

// judgePaths: a check can take the way of the traffic where that keeps the
// virtual address, and the address is known.
func (l *loader) judgePaths(v *VirtualServer) {
	for _, p := range l.paths {
		c, because, want := p.chk, "", ""
		switch {
		case !c.Path: // it said real later
			continue
		case c.Kind == "PING_CHECK":
			because, want = "IPVS forwards no echo requests", "another kind of checker"
		case v.FWMark != 0:
			because, want = "a firewall mark has no address to go to", "a virtual_server with an address"
		case cmp.Or(p.rs.Forward, v.Forward, "NAT") == "NAT":
			because, want = "masquerading takes the same way as a check of the server's own address", "lb_kind DR or TUN"
		case family(p.rs.Addr) != v.Family && !c.BindTo.IsValid():
			because, want = "it does not know where to come from when the server is of another family", "bindto ADDRESS"
		case c.FWMark != 0:
			because, want = "it marks its packets itself", "no fwmark"
		}
		if c.Path = because == ""; !c.Path {
			l.fault("HF033", p.word, "check_path vip is ignored: "+because, want, "")
			continue
		}
		if c.ConnectIP.IsValid() && c.ConnectIP != p.rs.Addr {
			l.fault("HF033", p.word, "check_path vip goes to the virtual address, connect_ip is ignored", "no connect_ip", "")
			c.ConnectIP = p.rs.Addr
		}
	}
}
