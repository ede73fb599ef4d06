package print

import (
	"encoding/hex"
	"strconv"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// checker is a health check. How often it tries again is said always, for the
// default is another one for each kind.
func checker(c *conf.Checker, rs *conf.RealServer, v *conf.VirtualServer, g *conf.Global, timeout time.Duration) *Block {
	b := &Block{Keyword: c.Kind, Pos: c.Pos}
	if c.BFD != "" { // it has none of the rest
		b.str("name", c.BFD, "")
		b.on("alpha", c.Alpha, rs.Alpha)
		return b
	}
	if c.File != nil { // it has none of the rest
		b.str("track_file", c.File.TrackFile, "")
		if c.File.WeightSet {
			b.weigh(c.File.Weight, c.File.Reverse)
		}
		return b
	}
	if c.Misc == nil {
		b.connect(c, rs, v, timeout)
	}
	b.num("retry", c.Retry, -1)
	b.dur("delay_before_retry", c.DelayBeforeRetry, -1)
	usual := v.Timing()
	if rs.Timing != nil {
		usual = *rs.Timing
	}
	b.dur("delay_loop", c.DelayLoop, usual.DelayLoop)
	if usual.Warmup >= 0 {
		b.dur("warmup", c.Warmup, usual.Warmup)
	} else {
		b.dur("warmup", c.Warmup, c.DelayLoop).From = "delay_loop"
	}
	b.num("rise", c.Rise, v.Rise)
	b.num("fall", c.Fall, 0) // beside a retry, which would go before that of v
	b.on("alpha", c.Alpha, rs.Alpha)
	b.on("log_all_failures", c.LogAllFailures, g.CheckerLogAllFailures).From = "checker_log_all_failures"
	switch {
	case c.HTTP != nil:
		b.http(c.HTTP, rs)
	case c.Misc != nil:
		b.misc(c.Misc)
	case c.DNS != nil:
		b.str("type", c.DNS.Type, "SOA")
		b.str("name", c.DNS.Name, "")
	case c.SMTP != nil:
		b.str("helo_name", c.SMTP.Helo, "")
	case c.UDP != nil:
		b.udp(c.UDP)
	case c.FTP != nil:
		b.str("user", c.FTP.User, "")
		b.secret("password", c.FTP.Password)
	case c.GRPC != nil:
		b.str("service", c.GRPC.Service, "")
		b.str("virtualhost", c.GRPC.VirtualHost, "")
		b.flag("tls", c.GRPC.TLS)
		b.secure(&c.GRPC.Secure)
	case c.Expect != nil:
		b.expect(c.Expect)
	}
	return b
}

func (b *Block) weigh(n int, reverse bool) {
	w := []string{strconv.Itoa(n)}
	if reverse {
		w = append(w, "reverse")
	}
	b.set(Setting{Keyword: "weight", Words: w, Value: weight(n, reverse)})
}

// TrackFile is a file that holds a number.
func TrackFile(f *conf.TrackFile) *Block {
	b := &Block{Keyword: "track_file", Name: []string{f.Name}, Pos: f.Pos}
	b.str("file", f.Path, "")
	b.weigh(f.Weight, f.Reverse)
	if f.Init {
		s := Setting{Keyword: "init_file", Words: []string{strconv.Itoa(f.Value)}, Value: object{{"number", f.Value}, {"overwrite", f.Overwrite}}}
		if f.Overwrite {
			s.Words = append(s.Words, "overwrite")
		}
		b.set(s)
	}
	return b
}

func (b *Block) udp(u *conf.UDPCheck) {
	if u.Payload != "" {
		b.str("payload", hex.EncodeToString([]byte(u.Payload)), "")
	}
	if u.RequireReply {
		digits := wild(u.Reply, u.Mask)
		s := Setting{Keyword: "require_reply", Value: digits}
		if digits != "" {
			s.Words = []string{digits}
		}
		b.set(s)
	}
	b.num("min_reply_length", u.MinReply, 0)
	b.num("max_reply_length", u.MaxReply, 255)
}

func (b *Block) connect(c *conf.Checker, rs *conf.RealServer, v *conf.VirtualServer, timeout time.Duration) {
	if c.ConnectIP.IsValid() {
		b.str("connect_ip", c.ConnectIP.String(), rs.Addr.String())
	}
	port := rs.Port
	if port == 0 {
		port = v.Port
	}
	if c.ConnectPort != 0 {
		b.num("connect_port", int(c.ConnectPort), int(port))
	}
	if c.BindTo.IsValid() {
		b.str("bindto", c.BindTo.String(), "")
	}
	if c.BindPort != 0 {
		b.num("bind_port", int(c.BindPort), 0)
	}
	b.str("bind_if", c.BindIf, "")
	b.dur("connect_timeout", c.ConnectTimeout, timeout)
	b.num("fwmark", int(c.FWMark), 0)
	if c.Path {
		b.str("check_path", "vip", "")
	}
}

func (b *Block) misc(m *conf.MiscCheck) {
	b.set(Setting{Keyword: "misc_path", Words: []string{commandWord(m.Command.Argv)}, Value: object{{"argv", m.Command.Argv}}})
	b.user(&m.Command)
	b.dur("misc_timeout", m.Timeout, 0)
	b.flag("misc_dynamic", m.Dynamic)
}

func (b *Block) http(h *conf.HTTPCheck, rs *conf.RealServer) {
	b.str("virtualhost", h.VirtualHost, rs.VirtualHost)
	b.str("http_protocol", h.Protocol, "1.0")
	b.on("enable_sni", h.SNI, false)
	b.on("fast_recovery", h.FastRecovery, false)
	b.on("tls_compliant", h.TLSCompliant, false)
	b.secure(&h.Secure)
	for i := range h.URLs {
		b.add(url(&h.URLs[i], h))
	}
}

func (b *Block) expect(e *conf.ExpectCheck) {
	b.str("service", e.Service, "")
	b.flag("tls", e.TLS)
	b.secure(&e.Secure)
	var steps []Line
	for _, s := range e.Steps {
		words := []string{"send", conf.Escape(s.Send)}
		switch {
		case s.Regex != "":
			words = []string{"expect_regex", s.Regex}
		case s.Mask != "":
			words = []string{"expect_hex", wild(s.Want, s.Mask)}
		case s.Want != "":
			words = []string{"expect", conf.Escape(s.Want)}
		}
		steps = append(steps, Line{Words: words})
	}
	b.list("", steps)
}

// wild writes bytes in hexadecimal, with x for the digits that do not count.
func wild(value, mask string) string {
	digits := []byte(hex.EncodeToString([]byte(value)))
	for i, c := range []byte(hex.EncodeToString([]byte(mask))) {
		if c == '0' {
			digits[i] = 'x'
		}
	}
	return string(digits)
}

func (b *Block) secure(t *conf.TLS) {
	b.str("sni_name", t.Name, "")
	b.flag("tls_verify", t.Verify)
	b.str("tls_ca", t.CA, "")
	b.str("tls_certificate", t.Certificate, "")
	b.str("tls_key", t.Key, "")
	b.secret("tls_password", t.Password)
	b.num("tls_expiry_warn", int(t.ExpiryWarn/(24*time.Hour)), 0)
}

// SSL is the block of that name.
func SSL(s *conf.SSL) *Block {
	b := &Block{Keyword: "SSL", Pos: s.Pos}
	b.secret("password", s.Password)
	b.str("ca", s.CA, "")
	b.str("certificate", s.Certificate, "")
	b.str("key", s.Key, "")
	return b
}

func (b *Block) secret(keyword, value string) {
	if value != "" {
		b.set(Setting{Keyword: keyword, Words: []string{value}, Value: value, Secret: true})
	}
}

func url(u *conf.HTTPURL, h *conf.HTTPCheck) *Block {
	b := &Block{Keyword: "url"}
	b.str("path", u.Path, "")
	b.str("digest", u.Digest, "")
	if len(u.Status) > 0 {
		var w []string
		for _, r := range u.Status {
			s := strconv.Itoa(r.From)
			if r.To != r.From {
				s += "-" + strconv.Itoa(r.To)
			}
			w = append(w, s)
		}
		b.set(Setting{Keyword: "status_code", Words: w, Value: w})
	}
	if u.VirtualHost != "" {
		b.str("virtualhost", u.VirtualHost, "")
	} else if h.VirtualHost != "" {
		b.set(Setting{Keyword: "virtualhost", Words: []string{h.VirtualHost}, Value: h.VirtualHost, Implied: true})
	}
	b.str("regex", u.Regex, "")
	b.flag("regex_no_match", u.RegexNoMatch)
	if len(u.RegexOptions) > 0 {
		b.set(Setting{Keyword: "regex_options", Words: u.RegexOptions, Value: u.RegexOptions})
	}
	b.num("regex_min_offset", u.RegexMin, 0)
	b.num("regex_max_offset", u.RegexMax, -1)
	b.on("tls_compliant", u.TLSCompliant, false)
	return b
}
