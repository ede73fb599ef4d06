package conf

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// VMAC is the virtual interface of an instance: a macvlan with the virtual
// router's MAC address (use_vmac), or an ipvlan (use_ipvlan).
type VMAC struct {
	Name   string  // empty: made of vmac_prefix and the VRID
	MAC    [6]byte // all zero: the RFC's (RFC 9568 §7.3)
	Group  int     // of links, -1: that of the interface below
	IPVLAN bool
	Addr   netip.Prefix // use_ipvlan: its own address
	Mode   string       // use_ipvlan: bridge (default), private, vepa
}

// VMACs is what a System may be besides: it knows whether a name belongs to an
// interface that is no VMAC. One that is may be what a daemon that died has left,
// or the running one's.
type VMACs interface{ Taken(name string) bool }

// taken reports whether a VMAC must not have that name.
func taken(s System, name string) bool {
	if v, ok := s.(VMACs); ok {
		return v.Taken(name)
	}
	return s != nil && s.Interface(name)
}

// useVMAC reads [NAME] [MAC] [name NAME] [group NUMBER] [netlink_notify].
func useVMAC(l *loader, s *stmt) {
	if l.vi.vmac.Text != "" {
		s.Fault("HF031", diag.Error, s.Keyword(), "use_vmac is given twice, the second is ignored", "")
		return
	}
	l.vi.vmac = s.Keyword()
	v := &VMAC{Group: unset}
	l.inst.VMAC = v
	words := s.Words()
	for i := 0; i < len(words); i++ {
		w := words[i]
		_, isAddr := addressOf(w.Text)
		octets := macOf(w.Text)
		switch {
		case len(octets) > 0:
			l.vmacAddress(s, w, v, octets)
		case isAddr && strings.Contains(w.Text, ":"):
			s.Fault("HF032", diag.Error, w, "use_vmac takes an IPv4 address", "")
			return
		case w.Text == "netlink_notify" || isAddr && i > 0 && v.Name == "":
		case (w.Text == "name" || w.Text == "group") && i+1 < len(words):
			i++
			if !l.vmacOption(s, v, w.Text, words[i]) {
				return
			}
		case v.Name != "":
			s.Fault("HF013", diag.Error, w, "use_vmac takes one name", "use_vmac [NAME]")
			return
		case !l.vmacName(s, w, v):
			return
		}
	}
}

func (l *loader) vmacName(s *stmt, w syntax.Word, v *VMAC) bool {
	switch {
	case len(w.Text) > schema.MaxInterface:
		s.Fault("HF011", diag.Error, w, "the name "+strconv.Quote(w.Text)+" is too long", "at most 15 characters")
		return false
	case taken(l.sys, w.Text) && !strings.HasPrefix(w.Text, l.cfg.Global.VMACPrefix):
		s.Fault("HF011", diag.Error, w, "the interface "+w.Text+" exists already and is no VMAC", "another name")
	}
	v.Name = w.Text
	return true
}

func (l *loader) vmacOption(s *stmt, v *VMAC, option string, w syntax.Word) bool {
	if option == "name" {
		return l.vmacName(s, w, v)
	}
	n, err := strconv.ParseUint(l.number(option, w.Text), 10, 31)
	if err != nil {
		s.Fault("HF011", diag.Error, w, "group "+strconv.Quote(w.Text)+" is not valid", "a group of links, by number or a name of iproute2's")
		return false
	}
	v.Group = int(n) // 31 bits
	return true
}

// vmacAddress takes a MAC address. The RFC's own are given by the VRID alone.
func (l *loader) vmacAddress(s *stmt, w syntax.Word, v *VMAC, octets []byte) {
	if octets[0]&1 != 0 {
		s.Fault("HF011", diag.Error, w, "the MAC address "+w.Text+" is a group's, it is ignored", "an address of one machine")
		return
	}
	if hex.EncodeToString(octets[:4]) == "00005e00" && (octets[4] == 1 || octets[4] == 2) {
		s.Fault("HF011", diag.Error, w, "the MAC address "+w.Text+" is one that the RFC gives by virtual_router_id, it is ignored", "another address, or none")
		return
	}
	copy(v.MAC[:], octets)
	l.vi.shortMAC = len(octets) < len(v.MAC)
}

// macOf reads five or six octets as XX:XX:…, nil if it is none.
func macOf(text string) []byte {
	parts := strings.Split(text, ":")
	if len(parts) != 5 && len(parts) != 6 {
		return nil
	}
	var mac []byte
	for _, p := range parts {
		n, err := strconv.ParseUint(p, 16, 8)
		if err != nil || len(p) > 2 {
			return nil
		}
		mac = append(mac, byte(n))
	}
	return mac
}

// useIPVLAN reads [NAME] [ADDRESS] [bridge|private|vepa].
func useIPVLAN(l *loader, s *stmt) {
	v := &VMAC{Group: unset, IPVLAN: true}
	words := s.Words()
	for i := 0; i < len(words); i++ {
		w := words[i]
		p, isAddr := schema.ParsePrefix(w.Text)
		switch {
		case isAddr:
			v.Addr = p
		case w.Text == "bridge" || w.Text == "private" || w.Text == "vepa":
			v.Mode = w.Text
		case (w.Text == "name" || w.Text == "group") && i+1 < len(words):
			i++
			if !l.vmacOption(s, v, w.Text, words[i]) {
				return
			}
		case v.Name != "":
			s.Fault("HF013", diag.Error, w, "use_ipvlan takes one name", "use_ipvlan [NAME] [ADDRESS]")
		case !l.vmacName(s, w, v):
			return
		}
	}
	if v.Addr.IsValid() && v.Addr.Addr().Is4() {
		l.vi.vmac = s.Keyword()
	} else if l.inst.Family != 6 {
		s.Fault("HF018", diag.Error, s.Keyword(), "use_ipvlan needs a source address for IPv4", "use_ipvlan NAME ADDRESS")
		return
	}
	l.inst.VMAC = v
}
