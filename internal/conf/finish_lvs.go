package conf

import (
	"strconv"

	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
)

// judgeServer reports what does not go together in a virtual server and takes
// what keepalived takes instead; false: it is left out.
func (l *loader) judgeServer(v *VirtualServer) bool {
	w := l.vsWord
	if len(v.Servers) == 0 {
		l.fault("HF034", w, "virtual_server "+v.name()+" has no real_server, it is ignored", "real_server ADDRESS PORT { … }", "")
		return false
	}
	l.judgeProtocol(v)
	if v.Scheduler == "" {
		l.fault("HF041", w, "virtual_server "+v.name()+" has no lb_algo, taking wlc", "lb_algo NAME", "")
		v.Scheduler = "wlc"
	}
	if v.Forward == "" {
		l.fault("HF041", w, "virtual_server "+v.name()+" has no lb_kind, taking NAT", "lb_kind NAT, DR or TUN", "")
		v.Forward = "NAT"
	}
	if v.Group == "" {
		l.judgeOnePacket(v)
	}
	if v.PersistGran > 0 && v.Persistence == 0 {
		v.Persistence = defaultPersistence
	}
	if v.Addr.IsValid() && v.Port == 0 && v.Persistence == 0 {
		l.fault("HF041", w, "virtual_server "+v.name()+" has no port, which takes persistence, taking persistence_timeout 360", "a port, or persistence_timeout", "")
		v.Persistence = defaultPersistence
	}
	l.judgeQuorum(v)
	return true
}

// judgeProtocol: an address has a protocol and a firewall mark has none.
func (l *loader) judgeProtocol(v *VirtualServer) {
	switch {
	case v.FWMark != 0 && v.Protocol != "":
		l.fault("HF033", l.vsWord, "virtual_server "+v.name()+" is a firewall mark, its protocol is ignored", "no protocol", "")
		v.Protocol = ""
	case v.Addr.IsValid() && v.Protocol == "":
		l.fault("HF041", l.vsWord, "virtual_server "+v.name()+" has no protocol, taking UDP", "protocol TCP, UDP or SCTP", "")
		v.Protocol = "UDP"
	}
}

// judgeOnePacket: what has a protocol takes UDP. A firewall mark has none and
// takes whatever has the mark.
func (l *loader) judgeOnePacket(v *VirtualServer) {
	if v.OnePacket && v.Protocol != "" && v.Protocol != "UDP" {
		l.fault("HF033", l.opsWord, "ops is for UDP only, it is ignored", "protocol UDP", "")
		v.OnePacket = false
	}
}

// matchPort: without address translation a server is reached at the port of
// the virtual server, and at any port behind a firewall mark.
func (l *loader) matchPort(v *VirtualServer, rs *RealServer, w syntax.Word, what string) {
	if f := firstOf(rs.Forward, v.Forward, "NAT"); f == "NAT" {
		if rs.Port == 0 {
			rs.Port = v.Port
		}
		return
	}
	if rs.Port != v.Port && rs.Port != 0 && v.Group == "" {
		m := "taking " + strconv.Itoa(int(v.Port))
		if v.Port == 0 {
			m = "it is ignored"
		}
		l.fault("HF033", w, "port "+strconv.Itoa(int(rs.Port))+" of "+what+" "+rs.Addr.String()+" is not the virtual server's, "+m, "the same port, or lb_kind NAT", "")
	}
	if v.Group == "" {
		rs.Port = v.Port
	}
}

// judgeQuorum holds the quorum to what the servers can weigh.
func (l *loader) judgeQuorum(v *VirtualServer) {
	total := 0
	for _, rs := range v.Servers {
		total += rs.Weight
	}
	w := l.quorumWord
	if w.Text == "" {
		w = l.vsWord
	}
	if v.Quorum > total {
		why, better := " is more than all servers weigh, taking ", "at most "+strconv.Itoa(total)
		if total == 0 {
			why, better = " cannot be had, for all servers have weight 0 and get no connections: taking ", "a weight of 1 or more"
		}
		l.fault("HF040", w, "quorum "+strconv.Itoa(v.Quorum)+why+strconv.Itoa(total), better, "")
		v.Quorum = total
	}
	if v.Hysteresis > 0 && v.Hysteresis >= v.Quorum {
		h := max(v.Quorum-1, 0)
		l.fault("HF040", l.hystWord, "hysteresis "+strconv.Itoa(v.Hysteresis)+" is not less than the quorum "+strconv.Itoa(v.Quorum)+", taking "+strconv.Itoa(h), "less than the quorum", "")
		v.Hysteresis = h
	}
}

// name is how a virtual server is called in messages.
func (v *VirtualServer) name() string {
	switch {
	case v.Group != "":
		return "group " + v.Group
	case v.FWMark != 0:
		return "fwmark " + strconv.FormatUint(uint64(v.FWMark), 10)
	}
	return v.Addr.String() + " " + strconv.Itoa(int(v.Port))
}

// groupUser is a virtual server of a group, to be looked at when the file has
// been read.
type groupUser struct {
	vs *VirtualServer
	marks
}

// finishServers looks at virtual servers with groups.
func (l *loader) finishServers() {
	if len(l.groupUsers) == 0 {
		return
	}
	groups := make(map[string]*ServerGroup, len(l.cfg.ServerGroups))
	for _, g := range l.cfg.ServerGroups {
		if groups[g.Name] == nil {
			groups[g.Name] = g
		}
	}
	gone := map[*VirtualServer]bool{}
	for _, u := range l.groupUsers {
		g := groups[u.vs.Group]
		if g == nil {
			l.warn("HF023", u.vsWord, "there is no virtual_server_group "+u.vs.Group+", the virtual server is ignored", "the name of a virtual_server_group")
			gone[u.vs] = true
			continue
		}
		if l.marks = u.marks; !l.judgeServer(u.vs) {
			gone[u.vs] = true
			continue
		}
		l.judgeGroupUser(u, g)
	}
	kept := l.cfg.VirtualServers[:0]
	for _, v := range l.cfg.VirtualServers {
		if !gone[v] {
			kept = append(kept, v)
		}
	}
	l.cfg.VirtualServers = kept
}

func (l *loader) judgeGroupUser(u groupUser, g *ServerGroup) {
	v, ports, marks, zero := u.vs, 0, 0, false
	for _, m := range g.Members {
		if m.FWMark != 0 {
			marks++
			continue
		}
		ports++
		zero = zero || m.Port == 0
		for _, rs := range v.Servers {
			if f := firstOf(rs.Forward, v.Forward); f != "NAT" && rs.Port != 0 && rs.Port != m.Port {
				l.fault("HF033", u.vsWord, "port "+strconv.Itoa(int(rs.Port))+" of real_server "+rs.Addr.String()+" is not that of "+g.Name, "the same port, or lb_kind NAT", "")
			}
		}
	}
	if zero && v.Persistence == 0 {
		l.fault("HF041", u.vsWord, "virtual_server_group "+g.Name+" has an address without a port, which takes persistence, taking persistence_timeout 360", "a port, or persistence_timeout", "")
		v.Persistence = defaultPersistence
	}
	switch {
	case ports == 0 && marks > 0 && v.Protocol != "":
		l.fault("HF033", u.vsWord, "virtual_server group "+g.Name+" has firewall marks only, its protocol is ignored", "no protocol", "")
		v.Protocol = ""
	case ports > 0 && v.Protocol == "":
		l.fault("HF041", u.vsWord, "virtual_server group "+g.Name+" has no protocol, taking UDP", "protocol TCP, UDP or SCTP", "")
		v.Protocol = "UDP"
	}
	l.judgeOnePacket(v)
}
