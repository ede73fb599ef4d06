package build

import (
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/internal/check"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// The keywords of checkers that are built.
const (
	KindTCP  = "TCP_CHECK"
	KindHTTP = "HTTP_GET"
	KindSSL  = "SSL_GET"
	KindMisc = "MISC_CHECK"
	KindDNS  = "DNS_CHECK"
	KindSMTP = "SMTP_CHECK"
	KindUDP  = "UDP_CHECK"
	KindPing = "PING_CHECK"
	KindFile = "FILE_CHECK"
	KindBFD  = "BFD_CHECK"

	KindFTP    = "FTP_CHECK"
	KindGRPC   = "GRPC_CHECK"
	KindExpect = "EXPECT_CHECK"
)

// Checks reports whether a keyword of a real server is that of a checker that
// is built.
func Checks(keyword string) bool {
	switch keyword {
	case KindTCP, KindHTTP, KindSSL, KindMisc, KindDNS, KindSMTP, KindUDP, KindPing, KindFile, KindBFD, KindFTP, KindGRPC, KindExpect:
		return true
	}
	return false
}

// Probe says what an attempt does, and to whom. It is never changed once built.
type Probe struct {
	To netip.AddrPort
	*Manner
}

// Manner is what an attempt does, whomever it is about; servers that are looked
// at in the same way share one, for there may be ten thousand of them. Exactly
// one of HTTP, Program and the rest is set, or none for a mere connection.
type Manner struct {
	Kind string // the keyword
	// Direct is the real server's own address if To is the virtual one, from
	// where Mark brings it there [check_path vip]; else invalid.
	Direct   netip.AddrPort
	BindTo   netip.Addr // invalid = the kernel chooses
	BindPort uint16
	Dynamic  bool // misc_dynamic
	Mark     uint32
	BindIf   string
	Timeout  time.Duration // connect_timeout; 0 = the default

	HTTP    *HTTP
	Program *Program
	DNS     *conf.DNSCheck
	SMTP    *conf.SMTPCheck
	UDP     *conf.UDPCheck
	File    *File
	FTP     *conf.FTPCheck
	GRPC    *conf.GRPCCheck   // with what its TLS takes from the SSL block
	Expect  *conf.ExpectCheck // the same
	BFD     string            // the bfd_instance that is followed
}

// File is what FILE_CHECK looks at, with the weight that counts.
type File struct {
	conf.TrackFile
	Base int // the server's weight
}

// HTTP is what HTTP_GET and SSL_GET ask.
type HTTP struct {
	TLS      *conf.TLS // SSL_GET
	SNI      bool
	Farewell bool // tls_compliant, of all URLs
	Protocol string
	URLs     []conf.HTTPURL // VirtualHost resolved
}

// Program is an external program, user and bounds resolved.
type Program struct {
	Argv        []string
	User, Group string        // empty: the default script user
	Timeout     time.Duration // 0 = none
	Secure      bool          // enable_script_security
}

// Target names what is looked at.
func (p *Probe) Target() string {
	switch {
	case p.Program != nil:
		return p.Program.Argv[0]
	case p.File != nil:
		return p.File.Path
	case p.BFD != "":
		return p.BFD
	}
	if p.Direct.IsValid() {
		return p.To.String() + " via " + p.Direct.Addr().String()
	}
	return p.To.String()
}

// Steps is how many parts an attempt has: one for each URL.
func (p *Manner) Steps() int {
	if p.HTTP != nil {
		return len(p.HTTP.URLs)
	}
	return 1
}

// probe returns a check's target and manner; the manner is the caller's.
func (b *lvsBuilder) probe(c *conf.Checker, server lvs.ServerKey, base int) (to netip.AddrPort, p Manner, ok bool) {
	p = Manner{
		Kind: c.Kind, BindTo: c.BindTo, BindPort: c.BindPort, BindIf: c.BindIf, Mark: c.FWMark, Timeout: c.ConnectTimeout,
	}
	addr, port := server.Addr, or(c.ConnectPort, server.Port)
	if c.ConnectIP.IsValid() {
		addr = c.ConnectIP
	}
	to = netip.AddrPortFrom(addr, port)
	switch {
	case c.Kind == KindTCP, c.Kind == KindPing:
	case (c.Kind == KindHTTP || c.Kind == KindSSL) && c.HTTP != nil:
		if len(c.HTTP.URLs) == 0 {
			b.ignore(c.Pos, "%s without a url", c.Kind)
			return to, p, false
		}
		p.HTTP = b.httpProbe(c.HTTP)
	case c.Kind == KindMisc && c.Misc != nil:
		to, p = netip.AddrPort{}, Manner{Kind: c.Kind, Dynamic: c.Misc.Dynamic, Program: b.program(&c.Misc.Command)}
		if p.Program == nil {
			b.ignore(c.Pos, "%s without misc_path", c.Kind)
			return to, p, false
		}
		p.Program.Timeout = c.Misc.Timeout
	case c.DNS != nil:
		p.DNS = c.DNS
	case c.SMTP != nil:
		p.SMTP = c.SMTP
	case c.UDP != nil:
		p.UDP = c.UDP
	case c.FTP != nil:
		p.FTP = c.FTP
	case c.GRPC != nil:
		g := *c.GRPC
		g.Secure = *b.secure(g.Secure)
		p.GRPC = &g
	case c.Expect != nil:
		e := *c.Expect
		e.Secure = *b.secure(e.Secure)
		p.Expect = &e
	case c.BFD != "":
		to, p = netip.AddrPort{}, Manner{Kind: c.Kind, BFD: c.BFD}
	case c.File != nil:
		f := b.conf.TrackFile(c.File.TrackFile)
		if f == nil {
			b.ignore(c.Pos, "%s without a track_file", c.Kind)
			return to, p, false
		}
		to, p = netip.AddrPort{}, Manner{Kind: c.Kind, File: &File{TrackFile: *f, Base: base}}
		p.File.Pos = conf.Pos{}
		if c.File.WeightSet {
			p.File.Weight, p.File.Reverse = c.File.Weight, c.File.Reverse
		}
	default:
		b.ignore(c.Pos, "%s is not built yet; the server is taken for well as far as it goes", c.Kind)
		return to, p, false
	}
	return to, p, true
}

// share returns a manner that is m: that of the last check of its kind, if it
// is the same.
func (b *lvsBuilder) share(m Manner) *Manner {
	last := b.manners[m.Kind]
	if last != nil && last.same(&m) {
		return last
	}
	own := new(Manner)
	*own = m
	b.manners[m.Kind] = own
	return own
}

// timed does with a schedule what share does with a manner.
func (b *lvsBuilder) timed(kind string, s check.Config) *check.Config {
	last := b.times[kind]
	if last != nil && *last == s {
		return last
	}
	own := new(check.Config)
	*own = s
	b.times[kind] = own
	return own
}

func (b *lvsBuilder) httpProbe(c *conf.HTTPCheck) *HTTP {
	h := &HTTP{SNI: c.SNI, Farewell: c.TLSCompliant, Protocol: c.Protocol}
	if c.TLS {
		h.TLS = b.secure(c.Secure)
	}
	for _, u := range c.URLs {
		if u.VirtualHost == "" {
			u.VirtualHost = c.VirtualHost
		}
		h.URLs = append(h.URLs, u)
	}
	return h
}

// secure is t with what it takes from the SSL block.
func (b *lvsBuilder) secure(t conf.TLS) *conf.TLS {
	t.Under(b.conf.SSL)
	return &t
}

// program is nil for no command.
func (b *lvsBuilder) program(c *conf.Command) *Program { return program(&b.conf.Global, c) }

func program(g *conf.Global, c *conf.Command) *Program {
	if c == nil || len(c.Argv) == 0 {
		return nil
	}
	p := &Program{Argv: c.Argv, User: c.User, Group: c.Group, Secure: g.ScriptSecurity}
	if p.User == "" {
		p.User, p.Group = g.ScriptUser, g.ScriptGroup
	}
	return p
}
