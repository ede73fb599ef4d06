package conf

import (
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// lvsRoot are the blocks of the load-balancing side.
var lvsRoot = rows{
	{Name: "virtual_server", Args: args{{Kind: schema.Words, Label: "ADDRESS [PORT] | fwmark NUMBER | group NAME"}}, Block: serverBlock, Doc: "A service that is balanced.", Set: beginServer, End: endServer},
	{Name: "virtual_server_group", Args: name, Block: &block{Name: "virtual_server_group", Line: addGroupMember, LineArgs: args{{Kind: schema.Words, Label: "ADDRESS[-ADDRESS] [PORT] | fwmark NUMBER"}}}, Doc: "Addresses and firewall marks that one virtual server serves.", Set: beginServerGroup, End: endServerGroup},
	{Name: "SSL", Bare: true, Block: sslBlock, Doc: "What SSL_GET and other checks over TLS use for their connections. As with keepalived, a file of authorities alone verifies nothing; tls_verify does.", Set: beginSSL},
}

var sslBlock = &block{Name: "SSL", Parts: []rows{{
	{Name: "password", Args: text, Soft: true, Doc: "The password of the key.", To: sslText(func(s *SSL) *string { return &s.Password })},
	{Name: "ca", Args: path, Soft: true, Doc: "The file of authorities.", To: sslText(func(s *SSL) *string { return &s.CA })},
	{Name: "certificate", Args: path, Soft: true, Doc: "The file of the certificate.", To: sslText(func(s *SSL) *string { return &s.Certificate })},
	{Name: "key", Args: path, Soft: true, Doc: "The file of the key.", To: sslText(func(s *SSL) *string { return &s.Key })},
}}}

func beginSSL(l *loader, s *stmt) {
	onlyOnce(l, s)
	if l.cfg.SSL == nil {
		l.cfg.SSL = &SSL{Pos: l.pos(s.Keyword())}
	}
}

// sslText is a line of the block.
type sslText func(*SSL) *string

// Keep stores it.
func (f sslText) Keep(l *loader, s *stmt) {
	onlyOnce(l, s)
	*f(l.cfg.SSL) = s.Text()
}

// onlyOnce complains about a second line of a keyword in the file.
func onlyOnce(l *loader, s *stmt) {
	if !l.name("SSL", s.Keyword()) {
		s.Fault("HF031", diag.Error, s.Keyword(), s.Keyword().Text+" is given twice, the second is taken", "")
	}
}

// Schedulers, as the kernel calls them.
var schedulers = args{{Kind: schema.Enum, Words: []string{"rr", "wrr", "lc", "wlc", "lblc", "sh", "mh", "dh", "fo", "ovf", "lblcr", "sed", "nq", "twos"}},
	{Kind: schema.Words, Label: "[-b FLAG]", Optional: true}}

var method = args{{Kind: schema.Words, Label: "NAT|DR|TUN [type ipip|gue port PORT|gre] [nocsum|csum|remcsum]"}}

// timingRows are what a checker takes from its virtual or real server.
var timingRows = rows{
	{Name: "delay_loop", Args: secs(time.Microsecond, forever), Doc: "The time between two checks.", To: dur(func(l *loader) *time.Duration { return &l.timing().delayLoop })},
	{Name: "connect_timeout", Args: secs(time.Microsecond, maxTimer), Doc: "How long to wait for a connection or an answer.", To: dur(func(l *loader) *time.Duration { return &l.timing().connectTimeout })},
	{Name: "retry", Args: num(1, maxUint32), Doc: "How many more failures it takes to remove a server.", To: integer(func(l *loader) *int { return &l.timing().retry })},
	{Name: "delay_before_retry", Args: secs(0, forever), Doc: "The time before the next attempt after a failure.", To: dur(func(l *loader) *time.Duration { return &l.timing().delayBeforeRetry })},
	{Name: "warmup", Args: secs(0, forever), Doc: "The first check comes at a random moment within this time; 0: at once.", To: dur(func(l *loader) *time.Duration { return &l.timing().warmup })},
	{Name: "rise", Own: true, Args: num(1, maxTimes), Doc: "How many successes in a row it takes a check to bring a server up.", To: integer(func(l *loader) *int { return &l.timing().rise })},
	{Name: "fall", Own: true, Args: num(1, maxTimes), Doc: "How many failures in a row it takes a check to take a server down, in place of retry; of a block's fall and the retry of one within it, or the other way round, the inner counts.", To: integer(func(l *loader) *int { return &l.timing().fall })},
}

func vs(l *loader) *VirtualServer    { return l.vs }
func rsNotes(l *loader) *serverNotes { return &l.servers[len(l.servers)-1] }

// leavingRows say how a server comes and goes; a real server takes them from
// its virtual server.
var leavingRows = rows{
	{Name: "drain", Own: true, Args: wholeSecs(0, maxDrain), Doc: "How long a server that goes while it is well may keep its connections; it has weight 0 then. Seconds, 0: it goes at once.", To: seconds(func(l *loader) *time.Duration { return &l.leaving().drain })},
	{Name: "slow_start", Own: true, Args: wholeSecs(0, maxDrain), Doc: "The time in which the weight of a server that comes grows from 1 to what it is. Seconds, 0: it has it at once.", To: seconds(func(l *loader) *time.Duration { return &l.leaving().slowStart })},
	{Name: "on_down", Own: true, Args: enum(OnDownKeep, OnDownExpire, OnDownReset), Doc: "What becomes of the connections of a server that fails: nothing is done, the kernel forgets them, or they are reset.", To: str(func(l *loader) *string { return &l.leaving().onDown })},
}

// maxDrain bounds drain and slow_start, in seconds: a day.
const maxDrain = 86400

// timing is that of the real server being read, or of the virtual one.
func (l *loader) timing() *timing {
	if l.rs != nil {
		return &rsNotes(l).time
	}
	return &l.vsTime
}

// leaving likewise.
func (l *loader) leaving() *leaving {
	if l.rs != nil {
		return &rsNotes(l).leave
	}
	return &l.vsLeave
}

var serverBlock = &block{Name: "virtual_server", Parts: []rows{timingRows, leavingRows, {
	{Name: "ip_family", Args: enum("inet", "inet6"), Doc: "The family of a firewall mark's service.", Set: setFamily},
	{Name: "lb_algo", Args: schedulers, Doc: "How a server is chosen.", Set: setScheduler},
	{Name: "lvs_sched", Args: schedulers, Doc: "Another word for lb_algo.", Set: setScheduler},
	{Name: "hashed", Doc: "A flag of the scheduler sh.", Set: setSchedFlag},
	{Name: "flag-1", Doc: "A flag of the scheduler.", Set: setSchedFlag},
	{Name: "flag-2", Doc: "A flag of the scheduler.", Set: setSchedFlag},
	{Name: "flag-3", Doc: "A flag of the scheduler.", Set: setSchedFlag},
	{Name: "sh-port", Doc: "A flag of the scheduler sh.", Set: setSchedFlag},
	{Name: "sh-fallback", Doc: "A flag of the scheduler sh.", Set: setSchedFlag},
	{Name: "mh-port", Doc: "A flag of the scheduler mh.", Set: setSchedFlag},
	{Name: "mh-fallback", Doc: "A flag of the scheduler mh.", Set: setSchedFlag},
	{Name: "ops", Doc: "Each packet is scheduled by itself (UDP).", Set: func(l *loader, s *stmt) {
		l.vs.OnePacket, l.opsWord = true, s.Keyword()
	}},
	{Name: "lb_kind", Args: method, Doc: "How packets reach the servers.", Set: func(l *loader, s *stmt) { l.forward(s, &l.vs.Forward, &l.vs.Tunnel) }},
	{Name: "lvs_method", Args: method, Doc: "Another word for lb_kind.", Set: func(l *loader, s *stmt) { l.forward(s, &l.vs.Forward, &l.vs.Tunnel) }},
	{Name: "persistence_engine", Args: name, Doc: "What tells clients apart beyond their address: a module ip_vs_pe_NAME of the kernel, such as sip.", To: str(func(l *loader) *string { return &vs(l).Engine })},
	{Name: "persistence_timeout", Args: optWholeSecs(1, maxLVSTime), Doc: "How long a client stays with its server.", Set: func(l *loader, s *stmt) {
		l.vs.Persistence = defaultPersistence
		if s.Has(0) {
			l.vs.Persistence = time.Duration(s.Int()) * time.Second
		}
	}},
	{Name: "persistence_granularity", Args: args{{Kind: schema.Text, Label: "NETMASK|LENGTH"}}, Doc: "How many clients stay together: an IPv4 netmask or an IPv6 prefix length.", Set: setGranularity},
	{Name: "protocol", Args: args{{Kind: schema.Enum, Fold: true, Words: []string{"TCP", "UDP", "SCTP"}}}, Doc: "The protocol that is balanced.", Set: func(l *loader, s *stmt) {
		l.vs.Protocol = strings.ToUpper(s.Text())
	}},
	{Name: "ha_suspend", Doc: "Check nothing while the virtual address is elsewhere.", To: flag(func(l *loader) *bool { return &vs(l).HASuspend })},
	{Name: "smtp_alert", Args: on, Doc: "Send mail about the quorum.", To: choice(func(l *loader) *Choice { return &vs(l).SMTPAlert })},
	{Name: "virtualhost", Args: text, Soft: true, Doc: "The Host of HTTP checks.", To: str(func(l *loader) *string { return &vs(l).VirtualHost })},
	{Name: "snmp_name", Exact: true, Args: name, Soft: true, Doc: "The name for SNMP.", To: str(func(l *loader) *string { return &vs(l).SNMPName })},
	{Name: "alpha", Doc: "Servers count as down until checked.", To: flag(func(l *loader) *bool { return &vs(l).Alpha })},
	{Name: "omega", Doc: "Run down-scripts when stopping.", To: flag(func(l *loader) *bool { return &vs(l).Omega })},
	{Name: "inhibit_on_failure", Doc: "A failed server gets weight 0 rather than being removed.", To: flag(func(l *loader) *bool { return &vs(l).InhibitOnFailure })},
	{Name: "quorum", Args: clamp(1, maxUint32), Doc: "The weight that must be alive.", Set: func(l *loader, s *stmt) {
		l.vs.Quorum, l.quorumWord = s.Int(), s.Words()[0]
	}, Wrong: func(l *loader) { l.vs.Quorum = 1 }},
	{Name: "hysteresis", Args: num(0, maxUint32), Doc: "How far above and below the quorum its gain and loss are.", Set: func(l *loader, s *stmt) { l.vs.Hysteresis, l.hystWord = s.Int(), s.Words()[0] }},
	{Name: "quorum_up", Args: command, Doc: "Run when the quorum is gained.", To: cmd(func(l *loader) **Command { return &vs(l).QuorumUp })},
	{Name: "quorum_down", Args: command, Doc: "Run when the quorum is lost.", To: cmd(func(l *loader) **Command { return &vs(l).QuorumDown })},
	{Name: "weight", Args: num(1, maxWeight), Doc: "The weight of servers that do not say.", To: integer(func(l *loader) *int { return &vs(l).Weight })},
	{Name: "sorry_server", Args: args{{Kind: schema.Address}, {Kind: schema.Number, Min: 0, Max: 65535, Label: "PORT", Optional: true}}, Doc: "Who answers when the quorum is lost.", Set: setSorry},
	{Name: "sorry_server_inhibit", Doc: "The sorry server gets weight 0 rather than being removed.", Set: func(l *loader, s *stmt) {
		if l.hasSorry(s) {
			l.vs.SorryInhibit = true
		}
	}},
	{Name: "sorry_server_lvs_method", Args: method, Doc: "How packets reach the sorry server.", Set: func(l *loader, s *stmt) {
		if l.hasSorry(s) {
			l.forward(s, &l.vs.Sorry.Forward, &l.vs.Sorry.Tunnel)
		}
	}},
	{Name: "proxy_protocol", Own: true, Args: proxyVersions, Doc: "How the embedded director tells the servers who their client is: a header of the PROXY protocol, version 1 or 2, before everything else.", Set: func(l *loader, s *stmt) {
		l.vs.ProxyProtocol = uint8(s.Value(0).Int)
	}},
	{Name: "proxy_source", Own: true, Args: enum("own", "client"), Doc: "Whose address the embedded director connects from: client takes CAP_NET_ADMIN, and routing that brings the answers of the servers back to this machine.", Set: func(l *loader, s *stmt) {
		l.vs.ProxyTransparent = s.Value(0).Int == 1
	}},
	{Name: "proxy_max_connections", Own: true, Args: num(1, maxUint32), Doc: "How many connections (UDP: sessions) of the service the embedded director holds at once; more wait in the kernel's backlog.", Set: func(l *loader, s *stmt) {
		l.vs.ProxyMaxConnections = uint32(s.Value(0).Int)
	}},
	{Name: "panic_threshold", Own: true, Args: numOf("PERCENT", 1, 100), Doc: "With fewer of its servers up than so many in a hundred, all of them get traffic.", To: integer(func(l *loader) *int { return &vs(l).PanicThreshold })},
	{Name: "max_eject", Own: true, Args: numOf("PERCENT", 1, 100), Doc: "At most so many servers in a hundred, but one at least, are taken out by their checks.", To: integer(func(l *loader) *int { return &vs(l).MaxEject })},
	{Name: "real_server", Bare: true, Args: args{{Kind: schema.Address}, {Kind: schema.Number, Min: 0, Max: 65535, Label: "PORT", Optional: true}}, Block: realBlock, Doc: "A server behind it.", Set: beginReal, End: endReal},
}}}

// proxyVersions are none, 1 and 2 by their place.
var proxyVersions = args{{Kind: schema.Enum, Words: []string{"none", "v1", "v2"}}}

// defaultPersistence is what persistence_timeout means without a value.
const defaultPersistence = 6 * time.Minute

func setSchedFlag(l *loader, s *stmt) {
	name, only := s.Keyword().Text, ""
	switch of, _, _ := strings.Cut(name, "-"); of {
	case "hashed", "sh":
		only = "sh"
	case "mh":
		only = "mh"
	}
	if only != "" && l.vs.Scheduler != "sh" && l.vs.Scheduler != "mh" {
		s.Fault("HF033", diag.Error, s.Keyword(), name+" is for the scheduler "+only+" only, it is ignored", "lb_algo "+only+" above it")
		return
	}
	l.vs.SchedFlags = append(l.vs.SchedFlags, name)
}

func setFamily(l *loader, s *stmt) {
	f := 4
	if s.Value(0).Int == 1 {
		f = 6
	}
	if l.vs.Addr.IsValid() && l.vs.Family != f {
		s.Fault("HF032", diag.Error, s.Words()[0], "ip_family "+s.Text()+" is not the family of the virtual server's address", "")
		return
	}
	l.vs.Family = f
}

func setScheduler(l *loader, s *stmt) { l.vs.Scheduler = s.Text() }

// forward reads a forwarding method and, for tunnels, its type.
func (l *loader) forward(s *stmt, into *string, tunnel **Tunnel) {
	w := s.Words()
	t := (*Tunnel)(nil)
	switch w[0].Text {
	case "NAT", "DR", "TUN":
		t = l.tunnel(s, w[1:])
	default:
		s.Fault("HF011", diag.Error, w[0], "forwarding method "+strconv.Quote(w[0].Text)+" is not valid", "NAT, DR or TUN")
		return
	}
	*into, *tunnel = w[0].Text, nil
	if w[0].Text == "TUN" {
		*tunnel = t
	}
}

// tunnel reads the options of TUN; nil is ipip, to which a mistake leads too.
func (l *loader) tunnel(s *stmt, w []syntax.Word) *Tunnel {
	t, port, sum := Tunnel{Type: "ipip"}, false, syntax.Word{}
	for i := 0; i < len(w); i++ {
		switch w[i].Text {
		case "type", "port":
			if i++; i >= len(w) {
				s.Fault("HF012", diag.Error, w[i-1], w[i-1].Text+" needs a value", "")
				return nil
			}
			if w[i-1].Text == "port" {
				port = true
				n, err := strconv.ParseUint(w[i].Text, 10, 16)
				if err != nil || n == 0 {
					s.Fault("HF011", diag.Error, w[i], "tunnel port "+strconv.Quote(w[i].Text)+" is not valid", "1 to 65535")
					return nil
				}
				t.Port = uint16(n)
				continue
			}
			if t.Type = w[i].Text; t.Type != "ipip" && t.Type != "gue" && t.Type != "gre" {
				s.Fault("HF011", diag.Error, w[i], "tunnel type "+strconv.Quote(t.Type)+" is not valid", "ipip, gue or gre")
				return nil
			}
		case "csum", "remcsum":
			sum = w[i]
		case "nocsum":
		default:
			s.Fault("HF011", diag.Error, w[i], s.Words()[0].Text+" has no option "+strconv.Quote(w[i].Text), "type, port, nocsum, csum or remcsum")
			return nil
		}
	}
	if sum.Text != "" && t.Type == "ipip" {
		s.Fault("HF011", diag.Error, sum, "tunnels of type ipip have no checksum", "type gue or gre")
		return nil
	}
	if sum.Text == "remcsum" && t.Type == "gre" {
		s.Fault("HF011", diag.Error, sum, "tunnels of type gre have no remote checksum", "csum, or type gue")
		return nil
	}
	if (t.Type == "gue") != port {
		s.Fault("HF012", diag.Error, s.Words()[0], "tunnels of type gue need a port, others have none", "type gue port PORT")
		return nil
	}
	if t.Type == "ipip" {
		return nil
	}
	t.Sum = sum.Text
	return &t
}

func setGranularity(l *loader, s *stmt) {
	t := s.Text()
	if a, err := netip.ParseAddr(t); err == nil && a.Is4() {
		b := a.As4()
		l.vs.PersistGran = maskBits(uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]))
		return
	}
	if n, err := strconv.ParseUint(t, 10, 32); err == nil && (n >= 1 && n <= 128 || l.vs.Family != 6) {
		l.vs.PersistGran = maskBits(uint32(n))
		if l.vs.Family == 6 {
			l.vs.PersistGran = int(n)
		}
		return
	}
	s.Fault("HF011", diag.Error, s.Words()[0], "persistence_granularity "+strconv.Quote(t)+" is not valid", "a netmask, or a prefix length up to 128")
}

// maskBits is how many bits a netmask has from the left.
func maskBits(mask uint32) int { return bits.LeadingZeros32(^mask) }

func (l *loader) hasSorry(s *stmt) bool {
	if l.vs.Sorry == nil {
		s.Fault("HF033", diag.Error, s.Keyword(), s.Keyword().Text+" without a sorry_server before it is ignored", "")
	}
	return l.vs.Sorry != nil
}

func beginServerGroup(l *loader, s *stmt) {
	w := s.Words()[0]
	l.sgroup = &ServerGroup{Name: w.Text, Pos: l.pos(w)}
	l.sgroupWord = w
}

func endServerGroup(l *loader) {
	if len(l.sgroup.Members) == 0 {
		l.fault("HF025", l.sgroupWord, "virtual_server_group "+l.sgroup.Name+" is empty, it is ignored", "", "")
		return
	}
	l.cfg.ServerGroups = append(l.cfg.ServerGroups, l.sgroup)
}

// addGroupMember reads ADDRESS, ADDRESS-ADDRESS, ADDRESS-LAST or
// ADDRESS/LENGTH with an optional port, or fwmark NUMBER.
func addGroupMember(l *loader, s *stmt) {
	w := s.Node.Words
	m := GroupMember{Pos: l.pos(w[0])}
	if w[0].Text == "fwmark" {
		if len(w) < 2 {
			s.Fault("HF012", diag.Error, w[0], "fwmark needs a number", "a number from 1 to 4294967295")
			return
		}
		n, err := strconv.ParseUint(w[1].Text, 10, 32)
		if err != nil || n == 0 {
			s.Fault("HF011", diag.Error, w[1], "fwmark "+strconv.Quote(w[1].Text)+" is not valid", "a number from 1 to 4294967295")
			return
		}
		m.FWMark = uint32(n)
		if len(w) > 2 {
			if m.Family = map[string]int{"inet": 4, "inet6": 6}[w[2].Text]; m.Family == 0 {
				s.Fault("HF011", diag.Error, w[2], "family "+strconv.Quote(w[2].Text)+" is not valid, the line is ignored", "inet or inet6")
				return
			}
		}
		l.sgroup.Members = append(l.sgroup.Members, m)
		return
	}
	if !addressRange(w[0].Text, &m) {
		s.Fault("HF011", diag.Error, w[0], strconv.Quote(w[0].Text)+" is no address or range of addresses, the line is ignored", "ADDRESS, ADDRESS-ADDRESS, ADDRESS-LAST or ADDRESS/LENGTH")
		return
	}
	if len(w) > 1 {
		n, err := strconv.ParseUint(w[1].Text, 10, 16)
		if err != nil {
			s.Fault("HF011", diag.Error, w[1], "port "+strconv.Quote(w[1].Text)+" is not valid, the line is ignored", "a port from 0 to 65535")
			return
		}
		m.Port, m.PortTo = uint16(n), uint16(n)
	}
	l.sgroup.Members = append(l.sgroup.Members, m)
}

func addressRange(t string, m *GroupMember) bool {
	if p, err := netip.ParsePrefix(t); err == nil {
		m.From, m.To = p.Addr(), lastOf(p)
		return true
	}
	from, to, isRange := strings.Cut(t, "-")
	a, err := netip.ParseAddr(from)
	if err != nil {
		return false
	}
	m.From, m.To = a, a
	if !isRange {
		return true
	}
	if b, err := netip.ParseAddr(to); err == nil {
		m.To = b
		return b.BitLen() == a.BitLen() && !b.Less(a)
	}
	base, bits := 10, 8
	if a.Is6() {
		base, bits = 16, 16
	}
	n, err := strconv.ParseUint(to, base, bits)
	if err != nil {
		return false
	}
	raw := a.AsSlice()
	raw[len(raw)-1] = byte(n)
	if a.Is6() {
		raw[len(raw)-2] = byte(n >> 8)
	}
	m.To, _ = netip.AddrFromSlice(raw)
	return !m.To.Less(a)
}

// lastOf is the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	raw := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(raw)*8; i++ {
		raw[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(raw)
	return a
}
