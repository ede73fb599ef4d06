package kernel

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds of reading from the kernel.
const (
	receiveBuffer = 4 << 20  // of the sockets, in bytes; beyond, a dump makes up
	readBuffer    = 64 << 10 // one datagram; the kernel's are 32 KiB at most
	readTurn      = 64       // datagrams in one Read
	dumpTries     = 5        // when others change what is being dumped
	openPatience  = 10 * time.Second
)

// ChangeKind says what a Change is about.
type ChangeKind uint8

// The kinds.
const (
	LinkChanged ChangeKind = iota
	AddrChanged
	RouteChanged
	RuleChanged
)

// String names what a kind is about.
func (k ChangeKind) String() string { return [...]string{"links", "addresses", "routes", "rules"}[k] }

// Change tells that the Mirror is not what it was. It is a nudge to compare
// anew; only Gone of something wanted needs words.
type Change struct {
	Kind  ChangeKind
	Link  int      // LinkChanged and AddrChanged: index of the link
	Addr  AddrKey  // AddrChanged
	Route RouteKey // RouteChanged
	Rule  Rule     // RuleChanged
	Gone  bool     // it is no longer there
}

// Options says what Open looks at.
type Options struct {
	// Routes has rules and our routes mirrored too. To find them the kernel must
	// look at all that it has, so a router with a full table is slower to start.
	Routes bool
}

// Reflector reads the kernel's events and keeps a Mirror true by them.
type Reflector struct {
	m       *Mirror
	fd      int
	port    uint32
	seq     uint32
	request requests
	buf     []byte
	opts    Options

	// The dumps to do; the first of them may be under way.
	dumps []dump
	asked bool   // it is
	intr  bool   // others changed what is being dumped
	tries int    // of the first
	since uint64 // the generation in which the first of them began
	// What is to be dumped when these are done.
	again, routes bool
	held          bool // routes of ours ought to be there
	// failed is why the latest dump came to nothing.
	failed error
}

// dump is one question to the kernel.
type dump struct {
	typ      uint16
	family   uint8
	sweeps   bool // the last of its kind
	kind     ChangeKind
	protocol uint8 // of routes
}

// Open looks at links, addresses and (if asked for) routes of the network
// namespace of the calling thread, and begins to listen for changes. The
// Mirror is complete when it returns.
func Open(o Options) (*Reflector, error) {
	fd, port, err := open(unix.SOCK_NONBLOCK)
	if err != nil {
		return nil, err
	}
	r := &Reflector{m: newMirror(), fd: fd, port: port, buf: make([]byte, readBuffer), opts: o}
	if err := onlyRoutes(fd, r.m.protocols, false); err != nil {
		r.Close()
		return nil, fmt.Errorf("filter routing netlink: %w", err)
	}
	groups := []int{unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR}
	if o.Routes {
		groups = append(groups, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE,
			unix.RTNLGRP_IPV4_RULE, unix.RTNLGRP_IPV6_RULE)
	}
	for _, g := range groups {
		if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, g); err != nil {
			r.Close()
			return nil, fmt.Errorf("listen to group %d of routing netlink: %w", g, err)
		}
	}
	if err := r.dumpNow(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Mirror is what the kernel has. It is the same for the life of the Reflector.
func (r *Reflector) Mirror() *Mirror { return r.m }

// FD is to be watched for EPOLLIN; then call Read.
func (r *Reflector) FD() int { return r.fd }

// Close ends listening.
func (r *Reflector) Close() { _ = unix.Close(r.fd) }

// dumpNow dumps everything and waits for it.
func (r *Reflector) dumpNow() error {
	r.again = true
	r.ask()
	until := time.Now().Add(openPatience)
	for {
		if err := r.Read(func(Change) {}); err != nil {
			return err
		}
		if len(r.dumps) == 0 {
			return r.failed
		}
		left := time.Until(until)
		if left <= 0 {
			return errors.Join(fmt.Errorf("dump links and addresses: no answer within %v", openPatience), r.failed)
		}
		fds := []unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN}} // a descriptor
		if _, err := unix.Poll(fds, int(left.Milliseconds())+1); err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for routing netlink: %w", err)
		}
	}
}

// Read takes what the kernel has to say, without waiting, and calls take for
// each change of the Mirror after it happened. It reads a bounded amount; the
// descriptor stays readable for the rest. An error means that listening has
// ended for good.
func (r *Reflector) Read(take func(Change)) error {
	for range readTurn {
		n, err := readPrompt(r.fd, r.buf)
		switch {
		case errors.Is(err, unix.EAGAIN):
			r.ask()
			return nil
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOBUFS): // events were lost
			r.again = true
			continue
		case err != nil:
			return fmt.Errorf("read routing netlink: %w", err)
		}
		// A message that makes no sense ends its datagram; a dump makes up for
		// the rest of it.
		if messages(r.buf[:n], func(m message) error { return r.message(m, take) }) != nil {
			r.again = true
		}
	}
	return nil
}

// drainTurns bounds Drain, should the kernel never be silent.
const drainTurns = 256

// Drain is Read for all that the kernel has to say by now.
func (r *Reflector) Drain(take func(Change)) error {
	for range drainTurns {
		if err := r.Read(take); err != nil {
			return err
		}
		fds := []unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN}} // a descriptor
		if n, _ := unix.Poll(fds, 0); n <= 0 {
			return nil
		}
	}
	return nil
}

// message takes one message.
func (r *Reflector) message(m message, take func(Change)) error {
	dumping := r.asked && m.seq == r.seq && m.pid == r.port
	if dumping && m.flags&unix.NLM_F_DUMP_INTR != 0 {
		r.intr = true
	}
	var c Change
	changed := false
	switch m.typ {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		c, changed = r.m.linkMessage(m)
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		c, changed = r.m.addrMessage(m)
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		var again bool
		c, changed, again = r.m.routeMessage(m)
		r.routes = r.routes || again
	case unix.RTM_NEWRULE, unix.RTM_DELRULE:
		if r.opts.Routes {
			c, changed = r.m.ruleMessage(m)
		}
	case unix.NLMSG_DONE, unix.NLMSG_ERROR:
		if dumping {
			r.dumped(m, take)
		}
	}
	if changed {
		r.routes = r.routes || r.m.mayLoseRoutes(c)
		take(c)
	}
	return nil
}

var (
	dumpLinks = []dump{{unix.RTM_GETLINK, unix.AF_UNSPEC, true, LinkChanged, 0}}
	dumpAddrs = []dump{{unix.RTM_GETADDR, unix.AF_UNSPEC, true, AddrChanged, 0}}
	dumpRules = []dump{
		{unix.RTM_GETRULE, unix.AF_INET, false, RuleChanged, 0},
		{unix.RTM_GETRULE, unix.AF_INET6, true, RuleChanged, 0},
	}
)

// dumpRoutes are the dumps of routes: strict kernels send but one protocol's.
func (r *Reflector) dumpRoutes() (list []dump) {
	for p, ours := range r.m.protocols {
		if ours {
			list = append(list, dump{unix.RTM_GETROUTE, unix.AF_INET, false, RouteChanged, uint8(p)}, // an index
				dump{unix.RTM_GETROUTE, unix.AF_INET6, false, RouteChanged, uint8(p)}) // an index
		}
	}
	list[len(list)-1].sweeps = true
	return list
}

// ask requests the next dump, if there is any to do and none under way.
func (r *Reflector) ask() {
	if r.asked {
		return
	}
	if len(r.dumps) == 0 {
		if !r.begin() {
			return
		}
	}
	d := r.dumps[0]
	r.seq++
	r.intr = false
	q := &r.request
	q.reset()
	q.begin(d.typ, unix.NLM_F_DUMP, r.seq)
	switch d.typ {
	case unix.RTM_GETLINK:
		q.bytes(make([]byte, unix.SizeofIfInfomsg)...)
	case unix.RTM_GETADDR:
		q.bytes(make([]byte, unix.SizeofIfAddrmsg)...)
	case unix.RTM_GETROUTE:
		// Strict kernels send only routes of this protocol; others send all.
		q.bytes(d.family, 0, 0, 0, 0, d.protocol, 0, 0)
		q.u32(0)
	case unix.RTM_GETRULE:
		q.bytes(append([]byte{d.family}, make([]byte, ruleHeader-1)...)...)
	}
	q.end()
	if _, err := unix.Write(r.fd, q.buf); err != nil {
		r.failed = fmt.Errorf("ask routing netlink for a dump: %w", err)
		return // asked again with the next event
	}
	r.asked = true
}

// begin lists the dumps to do, and reports whether there are any.
func (r *Reflector) begin() bool {
	if !r.again && !r.routes {
		return false
	}
	r.m.generation++
	r.since, r.tries, r.failed = r.m.generation, 0, nil
	r.dumps = r.dumps[:0]
	if r.again {
		r.dumps = append(append(r.dumps, dumpLinks...), dumpAddrs...)
	}
	if r.again && r.opts.Routes {
		r.dumps = append(r.dumps, dumpRules...)
	}
	if r.opts.Routes {
		r.dumps = append(r.dumps, r.dumpRoutes()...)
	}
	r.again, r.routes = false, false
	return true
}

// dumped takes the end of a dump and asks for the next.
func (r *Reflector) dumped(m message, take func(Change)) {
	d := r.dumps[0]
	r.asked = false
	err := m.outcome()
	if (r.intr || err != nil) && r.tries < dumpTries {
		r.tries++
		r.ask()
		return
	}
	switch {
	case err != nil && d.typ != unix.RTM_GETROUTE && d.typ != unix.RTM_GETRULE: // a kernel may lack IPv6
		r.failed = fmt.Errorf("dump %s: %w", d.kind, err)
	case err != nil:
	case d.kind == LinkChanged && r.intr:
		// A link that was passed over must not be taken for gone. An address
		// may: adding it once more does no harm.
	case d.sweeps:
		r.m.sweep(d.kind, r.since, take)
	}
	r.dumps, r.tries = r.dumps[1:], 0
	r.ask()
}

// Routes says which routes concern us: those with our Protocol and with extra
// ones. What there is of them will be told; the mirror forgets the rest. held:
// some ought to be there, so that one that somebody replaces is missed.
func (r *Reflector) Routes(extra []uint8, held bool) error {
	protocols := [256]bool{Protocol: true}
	for _, p := range extra {
		protocols[p] = true
	}
	if protocols == r.m.protocols && held == r.held {
		return nil
	}
	if err := onlyRoutes(r.fd, protocols, held); err != nil {
		return fmt.Errorf("filter routing netlink: %w", err)
	}
	r.m.protocols, r.held, r.routes = protocols, held, true
	r.ask()
	return nil
}

// onlyRoutes has the kernel drop events about routes of other protocols
// before they wake us: a router may have a million of them. Dumps, which have
// many messages in a datagram, pass, and so do replacements if they are wanted.
func onlyRoutes(fd int, protocols [256]bool, replacements bool) error {
	const (
		load8  = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS
		load16 = unix.BPF_LD | unix.BPF_H | unix.BPF_ABS
		equal  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		some   = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		answer = unix.BPF_RET | unix.BPF_K
	)
	pass := unix.SockFilter{Code: answer, K: 1<<32 - 1} // all of it
	// The filter loads in network order what lies there in the machine's.
	order := func(v uint16) uint32 { return uint32(network.Uint16(native.AppendUint16(nil, v))) }
	flags := uint16(unix.NLM_F_MULTI)
	if replacements {
		flags |= unix.NLM_F_REPLACE
	}
	filter := []unix.SockFilter{
		{Code: load16, K: 4}, // nlmsg_type
		{Code: equal, K: order(unix.RTM_NEWROUTE), Jt: 2},
		{Code: equal, K: order(unix.RTM_DELROUTE), Jt: 1},
		pass,
		{Code: load16, K: 6}, // nlmsg_flags
		{Code: some, K: order(flags), Jf: 1},
		pass,
		{Code: load8, K: headerLen + 5}, // rtm_protocol
	}
	for p, ours := range protocols {
		if ours {
			filter = append(filter, unix.SockFilter{Code: equal, K: uint32(p), Jf: 1}, pass) // an index
		}
	}
	filter = append(filter, unix.SockFilter{Code: answer, K: 0})
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}) // below 600
}
