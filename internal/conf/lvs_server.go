package conf

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// beginServer starts a virtual_server block.
func beginServer(l *loader, s *stmt) {
	w := s.Words()
	l.virtuals.begin()
	l.reals.begin()
	l.checkers.begin()
	l.realRefs.begin()
	l.checkerRefs.begin()
	v := l.virtuals.take()
	v.Pos, v.Weight, v.Quorum = l.pos(w[0]), 1, 1
	if !l.serverName(s, w, v) {
		s.Skip()
		return
	}
	l.vs, l.rs, l.vsTime, l.vsLeave, l.vsWord = v, nil, noTiming, noLeaving, w[0]
	l.servers, l.paths = l.servers[:0], l.paths[:0]
	l.opsWord, l.quorumWord, l.hystWord = syntax.Word{}, syntax.Word{}, syntax.Word{}
}

// serverName reads ADDRESS [PORT], fwmark NUMBER or group NAME.
func (l *loader) serverName(s *stmt, w []syntax.Word, v *VirtualServer) bool {
	switch w[0].Text {
	case "group", "fwmark":
		if len(w) < 2 {
			s.Fault("HF012", diag.Fatal, w[0], "virtual_server "+w[0].Text+" needs a value", "virtual_server group NAME or virtual_server fwmark NUMBER")
			return false
		}
		if w[0].Text == "group" {
			v.Group = w[1].Text
			return true
		}
		n, err := strconv.ParseUint(w[1].Text, 10, 32)
		if err != nil || n == 0 {
			s.Fault("HF011", diag.Error, w[1], "fwmark "+strconv.Quote(w[1].Text)+" is not valid, the virtual server is ignored", "a number from 1 to "+strconv.Itoa(math.MaxUint32))
			return false
		}
		v.FWMark = uint32(n)
		return true
	}
	a, err := netip.ParseAddr(w[0].Text)
	if err != nil {
		s.Fault("HF011", diag.Error, w[0], "virtual_server "+strconv.Quote(w[0].Text)+" is no IP address, the virtual server is ignored", "ADDRESS [PORT], fwmark NUMBER or group NAME")
		return false
	}
	v.Addr, v.Family = a, family(a)
	if len(w) > 1 {
		n, err := strconv.ParseUint(w[1].Text, 10, 16)
		if err != nil {
			s.Fault("HF011", diag.Error, w[1], "port "+strconv.Quote(w[1].Text)+" is not valid, the virtual server is ignored", "a port from 1 to 65535")
			return false
		}
		v.Port = uint16(n)
	}
	return true
}

func setSorry(l *loader, s *stmt) {
	a := s.Value(0).Addr
	if !l.sameFamily(s, a, "sorry_server") {
		return
	}
	r := &RealServer{Addr: a, Weight: 1, Pos: l.pos(s.Words()[0])}
	if s.Has(1) {
		r.Port = uint16(s.Value(1).Int)
	}
	l.vs.Sorry, l.sorryWord = r, s.Words()[0]
}

// sameFamily: real servers are of the virtual server's family, except behind
// tunnels, where either will do.
func (l *loader) sameFamily(s *stmt, a netip.Addr, what string) bool {
	if l.vs.Family == 0 {
		l.vs.Family = family(a)
	}
	if l.vs.Family == family(a) || l.vs.Forward == "TUN" {
		return true
	}
	s.Fault("HF032", diag.Error, s.Words()[0], what+" "+a.String()+" is not of the virtual server's family, it is ignored", "an IPv"+strconv.Itoa(l.vs.Family)+" address")
	return false
}

// beginReal starts a real_server block.
func beginReal(l *loader, s *stmt) {
	bareBlock(s)
	rs := l.reals.take()
	rs.Addr = s.Value(0).Addr
	if s.Has(1) {
		rs.Port = uint16(s.Value(1).Int)
	}
	rs.Pos = l.pos(s.Words()[0])
	l.rs, l.rsChecks = rs, l.rsChecks[:0]
	l.servers = append(l.servers, serverNotes{rs: rs, word: s.Words()[0], time: noTiming, leave: noLeaving, weight: unset, inhibit: unset, alpha: unset, proxy: unset})
}

func endReal(l *loader) {
	if n := len(l.rsChecks); n > 0 {
		l.rs.Checkers = l.checkerRefs.run(n)
		copy(l.rs.Checkers, l.rsChecks)
	}
	l.rs = nil
}

// endServer settles what real servers and checkers inherit.
func endServer(l *loader) {
	v := l.vs
	l.serverDefaults(v)
	v.Servers = l.realRefs.run(len(l.servers))[:0]
	for i := range l.servers {
		n := &l.servers[i]
		rs := n.rs
		if f := family(rs.Addr); v.Family != f && v.Forward != "TUN" && rs.Forward != "TUN" {
			if v.Family != 0 {
				l.fault("HF032", n.word, "real_server "+rs.Addr.String()+" is not of the virtual server's family, it is ignored", "an IPv"+strconv.Itoa(v.Family)+" address", "")
				continue
			}
			v.Family = f
		}
		n.port = rs.Port
		l.matchPort(v, rs, n.word, "real_server")
		if l.again(v, n) {
			continue
		}
		l.inherit(v, n)
		v.Servers = append(v.Servers, rs)
	}
	l.judgePaths(v)
	if v.Sorry != nil {
		v.Sorry.ProxyProtocol = v.ProxyProtocol
		l.matchPort(v, v.Sorry, l.sorryWord, "sorry_server")
	}
	if v.Family == 0 {
		v.Family = 4
	}
	if v.Group != "" {
		l.groupUsers = append(l.groupUsers, groupUser{v, l.marks})
	} else if !l.judgeServer(v) {
		return
	} else if l.seen != nil && l.seen(v) {
		l.forget()
		return
	}
	l.cfg.VirtualServers = append(l.cfg.VirtualServers, v)
}

// forget gives the memory of the virtual server to the next one.
func (l *loader) forget() {
	l.virtuals.back()
	l.reals.back()
	l.checkers.back()
	l.realRefs.back()
	l.checkerRefs.back()
}

// again drops a real server that is there already.
func (l *loader) again(v *VirtualServer, n *serverNotes) bool {
	rs, twice := n.rs, false
	if len(l.servers) > manyServed {
		at := netip.AddrPortFrom(rs.Addr, rs.Port)
		switch {
		case l.servedAt == nil:
			l.servedAt = make(map[netip.AddrPort]bool, len(l.servers))
		case len(v.Servers) == 0:
			clear(l.servedAt)
		}
		twice, l.servedAt[at] = l.servedAt[at], true
	} else {
		twice = slices.ContainsFunc(v.Servers, func(o *RealServer) bool { return o.Port == rs.Port && o.Addr == rs.Addr })
	}
	if twice {
		l.fault("HF031", n.word, "real_server "+rs.Addr.String()+" "+strconv.Itoa(int(rs.Port))+" is in this virtual server twice, the second is ignored", "", "")
	}
	return twice
}

// manyServed is from how many real servers on a set is faster than a look at
// all of them.
const manyServed = 64

func (l *loader) serverDefaults(v *VirtualServer) {
	t := &l.vsTime
	v.DelayLoop = or(t.delayLoop, 60*time.Second)
	v.ConnectTimeout = or(t.connectTimeout, 5*time.Second)
	v.Retry, v.DelayBeforeRetry, v.Warmup = t.retry, t.delayBeforeRetry, t.warmup
	v.Rise, v.Fall = t.rise, t.fall
	v.Drain, v.SlowStart, v.OnDown = or(l.vsLeave.drain, 0), or(l.vsLeave.slowStart, 0), l.vsLeave.onDown
}

// or is d, or e where d is unset.
func or(d, e time.Duration) time.Duration {
	if d == unset {
		return e
	}
	return d
}

// inherit gives a real server and its checkers what they did not say.
func (l *loader) inherit(v *VirtualServer, n *serverNotes) {
	rs, t := n.rs, &n.time
	if n.weight == unset {
		rs.Weight = v.Weight
	}
	rs.InhibitOnFailure = pick(n.inhibit, v.InhibitOnFailure)
	rs.Alpha = pick(n.alpha, v.Alpha)
	if n.proxy == unset {
		rs.ProxyProtocol = v.ProxyProtocol
	}
	rs.Drain, rs.SlowStart, rs.OnDown = or(n.leave.drain, v.Drain), or(n.leave.slowStart, v.SlowStart), cmp.Or(n.leave.onDown, v.OnDown)
	if rs.VirtualHost == "" {
		rs.VirtualHost = v.VirtualHost
	}
	loop := or(t.delayLoop, v.DelayLoop)
	connect := or(t.connectTimeout, v.ConnectTimeout)
	retry := t.retry
	if retry == unset {
		retry = v.Retry
	}
	t.under(v.Rise, v.Fall)
	before, warm := or(t.delayBeforeRetry, v.DelayBeforeRetry), or(t.warmup, v.Warmup)
	if own := (Timing{loop, connect, before, warm, retry}); own != v.Timing() {
		kept := own // only where it is, or every server would cost memory
		rs.Timing = &kept
	}
	for _, c := range rs.Checkers {
		k := kindOf(c.Kind)
		c.DelayLoop = or(c.DelayLoop, loop)
		c.ConnectTimeout = or(c.ConnectTimeout, connect)
		c.times(t.rise, t.fall)
		if c.Retry == unset {
			if c.Retry = retry; retry == unset {
				c.Retry = k.retry
			}
		}
		if c.DelayBeforeRetry = or(c.DelayBeforeRetry, before); c.DelayBeforeRetry == unset {
			c.DelayBeforeRetry = or(k.delayBeforeRetry, c.DelayLoop)
		}
		c.Warmup = or(or(c.Warmup, warm), c.DelayLoop)
		if c.alpha == unset {
			c.Alpha = rs.Alpha
		}
		if !c.ConnectIP.IsValid() {
			c.ConnectIP = rs.Addr
		}
		if c.ConnectPort == 0 {
			// Where a firewall mark has no port, the one that was written is checked.
			if c.ConnectPort = rs.Port; rs.Port == 0 && v.FWMark != 0 {
				c.ConnectPort = n.port
			} else if rs.Port == 0 {
				c.ConnectPort = v.Port
			}
		}
		if c.HTTP != nil && c.HTTP.VirtualHost == "" {
			c.HTTP.VirtualHost = rs.VirtualHost
		}
		if c.File != nil { // nothing of the kind applies to it
			c.DelayLoop, c.ConnectTimeout, c.Retry, c.DelayBeforeRetry, c.Warmup = filePoll, 0, 0, 0, 0
			c.Rise, c.Fall = 0, 0
		}
	}
}

// pick is t where it was given, and d elsewhere.
func pick(t int8, d bool) bool {
	if t == unset {
		return d
	}
	return t != 0
}

// kind is what checkers of a kind do unless told otherwise.
type kind struct {
	retry            int
	delayBeforeRetry time.Duration // unset: the checker's delay_loop
}

func kindOf(name string) kind {
	switch name {
	case "HTTP_GET", "SSL_GET":
		return kind{1, 3 * time.Second}
	case "MISC_CHECK":
		return kind{0, time.Second}
	case "DNS_CHECK":
		return kind{3, unset}
	}
	return kind{1, time.Second}
}
