package conf

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// beginInstance starts a vrrp_instance block; what inherits is unset until the
// end of the file, for global_defs may come later.
func beginInstance(l *loader, s *stmt) {
	w := s.Words()[0]
	if l.byName[w.Text] != nil {
		s.Fault("HF031", diag.Error, w, "vrrp_instance "+w.Text+" is defined twice, the second is ignored", "")
		s.Skip()
		return
	}
	i := &VRRPInstance{Name: w.Text, Priority: 0, UnicastTTL: unset, Pos: l.pos(w),
		GARP: GARP{MasterDelay: unset, MasterRepeat: unset, Refresh: unset, RefreshRepeat: unset, LowerPrioDelay: unset, LowerPrioRepeat: unset, Interval: unset, GNAInterval: unset, Extra: unset}}
	l.inst = i
	l.vi = &instanceNotes{inst: i, name: w, preempt: unset, accept: unset, strict: unset, lowerPrio: unset, higherPrio: unset, skipCheck: unset, checkSrc: unset, v3AsV2: unset, ownerIgnores: unset, tellPriority: unset}
	l.notify, l.tellPriority = &i.Notify, &l.vi.tellPriority
	l.tracks = tracks{&i.TrackIfaces, &i.TrackScripts, &i.TrackFiles, &i.TrackProcesses, &i.TrackBFDs}
}

// endInstance keeps the instance; whether it can run is judged in finish.
func endInstance(l *loader) {
	l.cfg.Instances = append(l.cfg.Instances, l.inst)
	l.instances = append(l.instances, l.vi)
	if l.byName == nil {
		l.byName = make(map[string]*instanceNotes)
	}
	l.byName[l.inst.Name] = l.vi
}

func (l *loader) setNativeV6(s *stmt) {
	if l.inst.Family == 4 {
		s.Fault("HF032", diag.Error, s.Keyword(), "native_ipv6 with IPv4 addresses", "IPv6 addresses only")
		return
	}
	l.inst.Family, l.vi.nativeV6 = 6, true
}

func setSource(l *loader, s *stmt) {
	a := s.Value(0).Addr
	if s.Keyword().Text == "unicast_src_ip" {
		l.vi.unicast = true
	}
	if !l.instanceFamily(s, s.Words()[0], a, "source address") {
		return
	}
	l.inst.SrcIP = a
}

func setMcastDst(l *loader, s *stmt) {
	a := s.Value(0).Addr
	if !l.instanceFamily(s, s.Words()[0], a, "group") {
		return
	}
	if a.IsMulticast() {
		l.inst.McastDst = a
		return
	}
	s.Fault("HF011", diag.Error, s.Words()[0], s.Text()+" is no multicast group", "a multicast address")
}

// peerKey is a peer of an instance.
type peerKey struct {
	inst *VRRPInstance
	addr netip.Addr
}

func addPeer(l *loader, s *stmt) {
	w := s.Node.Words
	a, ok := addressOf(w[0].Text)
	if !ok {
		s.Fault("HF011", diag.Error, w[0], "unicast_peer "+strconv.Quote(w[0].Text)+" is not valid, the line is ignored", "an IP address")
		return
	}
	key := peerKey{l.inst, a}
	if l.peers[key] {
		s.Fault("HF031", diag.Warning, w[0], "unicast_peer "+w[0].Text+" is named twice, once is enough", "")
		return
	}
	if l.peers == nil {
		l.peers = map[peerKey]bool{}
	}
	l.peers[key] = true
	if !l.instanceFamily(s, w[0], a, "unicast_peer") {
		return
	}
	p := Peer{Addr: a, MinTTL: unset, MaxTTL: unset}
	for i := 1; i < len(w); i++ {
		into := map[string]*int{"min_ttl": &p.MinTTL, "max_ttl": &p.MaxTTL}[w[i].Text]
		if into == nil || i+1 >= len(w) {
			s.Fault("HF011", diag.Error, w[i], "unicast_peer has no option "+strconv.Quote(w[i].Text), "min_ttl NUMBER or max_ttl NUMBER")
			break
		}
		i++
		n, err := strconv.ParseUint(w[i].Text, 10, 8)
		if err != nil {
			s.Fault("HF011", diag.Error, w[i], w[i-1].Text+" "+strconv.Quote(w[i].Text)+" is not valid", "a number from 0 to 255")
			break
		}
		*into = int(n)
	}
	if p.MaxTTL != unset && p.MinTTL > p.MaxTTL {
		s.Fault("HF011", diag.Error, w[0], "min_ttl is greater than max_ttl, nothing will be accepted", "")
	}
	l.inst.Peers = append(l.inst.Peers, p)
}

func addVIP(l *loader, s *stmt) {
	a, ok := l.address(s, false)
	if ok && l.instanceFamily(s, s.Node.Words[0], a.Prefix.Addr(), "address") {
		l.inst.Addresses = append(l.inst.Addresses, a)
		l.vi.vips = append(l.vi.vips, s.Node.Words[0])
	}
}

// addExcluded takes any family: excluded addresses are in no advert.
func addExcluded(l *loader, s *stmt) {
	if a, ok := l.address(s, false); ok {
		l.inst.Excluded = append(l.inst.Excluded, a)
		l.vi.excluded = append(l.vi.excluded, s.Node.Words[0])
	}
}

// instanceFamily holds addresses of an instance to the first one's family.
func (l *loader) instanceFamily(s *stmt, w syntax.Word, a netip.Addr, what string) bool {
	f := family(a)
	if l.inst.Family == 0 {
		l.inst.Family = f
	}
	if l.inst.Family != f {
		s.Fault("HF032", diag.Error, w, what+" "+w.Text+" is not of the instance's family, it is ignored",
			"IPv"+strconv.Itoa(l.inst.Family)+" addresses as above, or virtual_ipaddress_excluded")
		return false
	}
	return true
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 6
}

// beginScript starts a vrrp_script block.
func beginScript(l *loader, s *stmt) {
	w := s.Words()[0]
	l.script = &VRRPScript{Name: w.Text, Interval: time.Second, Timeout: unset, Rise: 1, Fall: 1, Pos: l.pos(w)}
	if l.scriptNames[w.Text] {
		s.Fault("HF031", diag.Warning, w, "vrrp_script "+w.Text+" is defined twice, the second is ignored", "")
		s.Skip()
		return
	}
	l.scriptName, l.scriptWord = w, syntax.Word{}
}

// loopback is the interface that VRRP never runs on.
const loopback = "lo"
