package conf

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

func rs(l *loader) *RealServer { return l.rs }
func chk(l *loader) *Checker   { return l.chk }

var realBlock = &block{Name: "virtual_server > real_server", Parts: []rows{{
	{Name: "weight", Args: num(0, maxWeight), Doc: "Its share of the connections; 0: no new ones.", Set: func(l *loader, s *stmt) { l.rs.Weight, rsNotes(l).weight = s.Int(), 1 }},
	{Name: "lvs_method", Args: method, Doc: "How packets reach it.", Set: func(l *loader, s *stmt) { l.forward(s, &l.rs.Forward, &l.rs.Tunnel) }},
	{Name: "uthreshold", Args: num(0, maxUint32), Doc: "With so many connections it gets no new ones.", Set: func(l *loader, s *stmt) { l.rs.UpperThreshold = uint32(s.Value(0).Int) }},
	{Name: "lthreshold", Args: num(0, maxUint32), Doc: "With so few it gets new ones again.", Set: func(l *loader, s *stmt) { l.rs.LowerThreshold = uint32(s.Value(0).Int) }},
	{Name: "inhibit_on_failure", Args: on, Doc: "When it fails it gets weight 0 rather than being removed.", To: tri(func(l *loader) *int8 { return &rsNotes(l).inhibit })},
	{Name: "notify_up", Args: command, Doc: "Run when it comes.", To: cmd(func(l *loader) **Command { return &rs(l).NotifyUp })},
	{Name: "notify_down", Args: command, Doc: "Run when it goes.", To: cmd(func(l *loader) **Command { return &rs(l).NotifyDown })},
	{Name: "alpha", Args: on, Doc: "It counts as down until checked.", To: tri(func(l *loader) *int8 { return &rsNotes(l).alpha })},
	{Name: "smtp_alert", Args: on, Doc: "Send mail when it comes or goes.", To: choice(func(l *loader) *Choice { return &rs(l).SMTPAlert })},
	{Name: "virtualhost", Args: text, Soft: true, Doc: "The Host of HTTP checks.", To: str(func(l *loader) *string { return &rs(l).VirtualHost })},
	{Name: "snmp_name", Exact: true, Args: name, Soft: true, Doc: "The name for SNMP.", To: str(func(l *loader) *string { return &rs(l).SNMPName })},
	{Name: "proxy_protocol", Own: true, Args: proxyVersions, Doc: "How the embedded director tells it who its client is; as the virtual server says if it is not given.", Set: func(l *loader, s *stmt) {
		l.rs.ProxyProtocol, rsNotes(l).proxy = uint8(s.Value(0).Int), 1
	}},
	{Name: "tier", Own: true, Args: num(0, 255), Doc: "Its rank among backups: it serves when no tier of a lower number has the quorum.", Set: func(l *loader, s *stmt) { rs(l).Tier = uint8(s.Int()) }},
	{Name: "TCP_CHECK", Bare: true, Doc: "Connects.", Set: beginChecker, End: endChecker,
		Block: &block{Name: inReal + "TCP_CHECK", Parts: []rows{connectRows, repeatRows}}},
	{Name: "HTTP_GET", Bare: true, Doc: "Asks for pages over HTTP.", Set: beginChecker, End: endChecker,
		Block: &block{Name: inReal + "HTTP_GET", Parts: []rows{connectRows, repeatRows, httpRows}}},
	{Name: "SSL_GET", Bare: true, Doc: "Asks for pages over HTTPS.", Set: beginChecker, End: endChecker,
		Block: &block{Name: inReal + "SSL_GET", Parts: []rows{connectRows, repeatRows, httpRows, tlsRows}}},
	{Name: "MISC_CHECK", Bare: true, Doc: "Runs a program.", Set: beginChecker, End: endChecker,
		Block: &block{Name: inReal + "MISC_CHECK", Parts: []rows{miscConnect, repeatRows, miscRows}}},
	{Name: "SMTP_CHECK", Bare: true, Doc: "Speaks SMTP.", Set: beginChecker, End: endChecker,
		Block: &block{Name: inReal + "SMTP_CHECK", Parts: []rows{connectRows, repeatRows, smtpRows}}},
	{Name: "DNS_CHECK", Bare: true, Doc: "Asks a name server.", Set: beginChecker, End: endChecker,
		Block: &block{Name: inReal + "DNS_CHECK", Parts: []rows{connectRows, repeatRows, dnsRows}}},
	{Name: "UDP_CHECK", Bare: true, Doc: "Sends a datagram.", Set: beginChecker, End: endChecker,
		Block: &block{Name: inReal + "UDP_CHECK", Parts: []rows{connectRows, repeatRows, udpRows}}},
	{Name: "PING_CHECK", Bare: true, Doc: "Sends an echo request.", Set: beginChecker, End: endChecker,
		Block: &block{Name: inReal + "PING_CHECK", Parts: []rows{connectRows, repeatRows}}},
	{Name: "BFD_CHECK", Bare: true, Doc: "Follows a BFD session.", Set: beginChecker, End: endChecker,
		Block: &block{Name: inReal + "BFD_CHECK", Parts: []rows{bfdCheckRows}}},
	{Name: "FTP_CHECK", Own: true, Bare: true, Doc: "Speaks FTP: waits for the greeting, and logs in if there is a user.", Set: beginChecker, End: endChecker,
		Block: &block{Name: inReal + "FTP_CHECK", Parts: []rows{connectRows, repeatRows, ftpRows}}},
	{Name: "GRPC_CHECK", Own: true, Bare: true, Doc: "Asks the standard health service of gRPC (grpc.health.v1).", Set: beginChecker, End: endChecker,
		Block: &block{Name: inReal + "GRPC_CHECK", Parts: []rows{connectRows, repeatRows, grpcRows, tlsRows}}},
	{Name: "EXPECT_CHECK", Own: true, Bare: true, Doc: "Sends something and expects an answer, step by step, over TCP.", Set: beginChecker, End: endChecker,
		Block: &block{Name: inReal + "EXPECT_CHECK", Parts: []rows{connectRows, repeatRows, expectRows, tlsRows}}},
	{Name: "FILE_CHECK", Bare: true, Doc: "Follows a file.", Set: beginChecker, End: endChecker,
		Block: &block{Name: inReal + "FILE_CHECK", Parts: []rows{fileCheckRows}}},
}, timingRows, leavingRows}}

// inReal is how the names of checkers' blocks begin.
const inReal = "virtual_server > real_server > "

// beginChecker starts a checker's block.
func beginChecker(l *loader, s *stmt) {
	bareBlock(s)
	c := l.checkers.take()
	c.Kind, c.Pos = s.Keyword().Text, l.pos(s.Keyword())
	c.unset()
	c.LogAllFailures = l.cfg.Global.CheckerLogAllFailures
	switch c.Kind {
	case "HTTP_GET":
		c.HTTP = &HTTPCheck{Protocol: "1.0"}
	case "SSL_GET":
		c.HTTP = &HTTPCheck{Protocol: "1.0", TLS: true}
	case "MISC_CHECK":
		c.Misc = &MiscCheck{}
	case "SMTP_CHECK":
		c.SMTP = &SMTPCheck{}
	case "DNS_CHECK":
		c.DNS = &DNSCheck{Type: "SOA"}
	case "UDP_CHECK":
		c.UDP = &UDPCheck{MaxReply: defaultMaxReply}
	case "FTP_CHECK":
		c.FTP = &FTPCheck{}
	case "GRPC_CHECK":
		c.GRPC = &GRPCCheck{}
	case "EXPECT_CHECK":
		c.Expect = &ExpectCheck{}
	case "FILE_CHECK":
		c.File = &FileCheck{}
	}
	l.chk, l.chkWord = c, s.Keyword()
	l.chkNamed, l.chkHosts = false, l.chkHosts[:0]
}

func endChecker(l *loader) {
	c := l.chk
	if of := namedBy(c.Kind); of != "" && !l.chkNamed {
		l.fault("HF034", l.chkWord, c.Kind+" has no "+of+", it is ignored", of+" NAME", "")
		return
	}
	if c.UDP != nil && c.UDP.MinReply > c.UDP.MaxReply {
		l.fault("HF033", l.chkWord, "min_reply_length is greater than max_reply_length, no answer will do", "", "")
	}
	switch {
	case c.Expect != nil && c.Expect.Service == "" && len(c.Expect.Steps) == 0:
		l.fault("HF034", l.chkWord, "EXPECT_CHECK has nothing to send or expect, it is ignored", "service NAME, or send and expect", "")
		return
	case c.HTTP != nil && len(c.HTTP.URLs) == 0:
		l.fault("HF034", l.chkWord, c.Kind+" has no url with a path, it is ignored", "url { path … }", "")
		return
	case c.Misc != nil && len(c.Misc.Command.Argv) == 0:
		l.fault("HF034", l.chkWord, "MISC_CHECK has no misc_path, it is ignored", "misc_path COMMAND", "")
		return
	case c.Misc != nil && l.miscBad:
		l.miscBad = false
		return
	}
	if c.Misc != nil {
		l.miscs = append(l.miscs, miscNotes{c, l.rs, l.miscWord})
	}
	if len(l.chkHosts) == 0 || c.connects() {
		l.keep(c)
	}
	for _, h := range l.chkHosts {
		h.under(c)
		l.keep(h)
	}
}

// namedBy is the keyword without which a checker follows nothing.
func namedBy(kind string) string {
	switch kind {
	case "BFD_CHECK":
		return "name"
	case "FILE_CHECK":
		return "track_file"
	}
	return ""
}

// keep adds a checker to its real server.
func (l *loader) keep(c *Checker) {
	if c.BindTo.IsValid() && family(c.BindTo) != family(firstAddr(c.ConnectIP, l.rs.Addr)) {
		l.fault("HF032", l.bindWord, "bindto "+c.BindTo.String()+" is not of the family of the address that is checked, it is ignored", "", "")
		c.BindTo = netip.Addr{}
	}
	connects := c.Misc == nil && c.Kind != "BFD_CHECK" && c.Kind != "FILE_CHECK"
	if a := firstAddr(c.ConnectIP, l.rs.Addr); connects && a.IsLinkLocalUnicast() && a.Is6() && c.BindIf == "" {
		l.fault("HF018", l.chkWord, "the address "+a.String()+" is another one on each link", "bind_if INTERFACE", "")
	}
	l.rsChecks = append(l.rsChecks, c)
}

func firstAddr(a, b netip.Addr) netip.Addr {
	if a.IsValid() {
		return a
	}
	return b
}

// connectRows are what checkers that connect have in common.
var connectRows = rows{
	{Name: "connect_ip", Args: address, Doc: "The address to check; the real server's by default.", Set: func(l *loader, s *stmt) { l.chk.ConnectIP = s.Value(0).Addr }},
	{Name: "connect_port", Args: numOf("PORT", 1, 65535), Doc: "The port to check; the real server's by default.", Set: func(l *loader, s *stmt) { l.chk.ConnectPort = uint16(s.Int()) }},
	{Name: "bindto", Args: address, Doc: "The address to connect from.", Set: func(l *loader, s *stmt) { l.chk.BindTo, l.bindWord = s.Value(0).Addr, s.Words()[0] }},
	{Name: "bind_port", Args: numOf("PORT", 1, 65535), Doc: "The port to connect from.", Set: func(l *loader, s *stmt) { l.chk.BindPort = uint16(s.Int()) }},
	{Name: "bind_if", Args: iface, Doc: "The interface to connect from.", To: str(func(l *loader) *string { return &chk(l).BindIf })},
	{Name: "connect_timeout", Args: secs(time.Microsecond, maxTimer), Doc: "How long to wait for a connection or an answer.", To: dur(func(l *loader) *time.Duration { return &chk(l).ConnectTimeout })},
	{Name: "fwmark", Args: num(0, maxUint32), Doc: "The mark of its packets.", Set: func(l *loader, s *stmt) { l.chk.FWMark = uint32(s.Value(0).Int) }},
	{Name: "check_path", Own: true, Args: enum("real", "vip"), Doc: "vip: it goes to the virtual address, and reaches the server as the traffic does, by direct routing or through the tunnel; real, the default: to the server's own address (docs/pools.md).", Set: setPath},
}

// repeatRows are what all checkers with a schedule of their own have.
var repeatRows = rows{
	{Name: "retry", Args: num(0, maxUint32), Doc: "How many more failures it takes.", To: integer(func(l *loader) *int { return &chk(l).Retry })},
	{Name: "delay_before_retry", Args: secs(0, forever), Doc: "The time before the next attempt after a failure.", To: dur(func(l *loader) *time.Duration { return &chk(l).DelayBeforeRetry })},
	{Name: "warmup", Args: secs(0, forever), Doc: "The first check comes at a random moment within this time; 0: at once.", To: dur(func(l *loader) *time.Duration { return &chk(l).Warmup })},
	{Name: "delay_loop", Args: secs(time.Microsecond, forever), Doc: "The time between two checks.", To: dur(func(l *loader) *time.Duration { return &chk(l).DelayLoop })},
	{Name: "alpha", Args: on, Doc: "The server counts as down until checked.", Set: func(l *loader, s *stmt) { l.chk.Alpha, l.chk.alpha = s.Bool(), 1 }},
	{Name: "log_all_failures", Args: on, Doc: "Log every failure, not only the last.", To: flag(func(l *loader) *bool { return &chk(l).LogAllFailures })},
	{Name: "rise", Own: true, Args: num(1, maxTimes), Doc: "How many successes in a row it takes to come up; 1 by default. Each is delay_loop after the one before; of several URLs all must succeed so often.", To: integer(func(l *loader) *int { return &chk(l).Rise })},
	{Name: "fall", Own: true, Args: num(1, maxTimes), Doc: "How many failures in a row it takes to go down, in place of retry: fall 3 is retry 2, delay_before_retry apart. What fails at its first check is down at once, as with retry.", To: integer(func(l *loader) *int { return &chk(l).Fall })},
}

// miscConnect: a program makes no connection that the checker could steer.
var miscConnect = rows{
	{Name: "connect_ip", Args: optWords, Doc: noConnection, Set: refuse},
	{Name: "connect_port", Args: optWords, Doc: noConnection, Set: refuse},
	{Name: "bindto", Args: optWords, Doc: noConnection, Set: refuse},
	{Name: "bind_port", Args: optWords, Doc: noConnection, Set: refuse},
	{Name: "bind_if", Args: optWords, Doc: noConnection, Set: refuse},
	{Name: "connect_timeout", Args: optWords, Doc: noConnection, Set: refuse},
	{Name: "fwmark", Args: optWords, Doc: noConnection, Set: refuse},
	{Name: "check_path", Args: optWords, Doc: noConnection, Set: refuse},
}

const noConnection = "Not for this checker: it makes no connection."

func refuse(_ *loader, s *stmt) {
	s.Fault("HF014", diag.Error, s.Keyword(), "MISC_CHECK makes no connection, the line is ignored", "")
}

var miscRows = rows{
	{Name: "misc_path", Args: optCommand, Doc: "The program.", Set: func(l *loader, s *stmt) {
		if w, argv := commandLine(s); argv != nil {
			m := l.chk.Misc
			m.Command.Argv, m.Command.Line, l.miscWord = argv, l.pos(w[0]), w[0]
		}
	}},
	{Name: "misc_timeout", Args: wholeSecs(0, maxSeconds), Doc: "How long it may run; delay_loop by default.", To: seconds(func(l *loader) *time.Duration { return &chk(l).Misc.Timeout })},
	{Name: "misc_dynamic", Doc: "An exit status from 2 to 255 sets the weight.", To: flag(func(l *loader) *bool { return &chk(l).Misc.Dynamic })},
	{Name: "user", Args: user, Doc: "Whom it runs as.", Set: func(l *loader, s *stmt) {
		c := &l.chk.Misc.Command
		if c.User, c.Group = s.Text(), ""; s.Has(1) {
			c.Group = s.Value(1).Text
		}
		l.miscBad = !l.knownUser(s)
	}},
}

var protocols = []string{"1.0", "1.0C", "1.0c", "1.1", "1.0K", "1.0k", "1.1K", "1.1k", "h2"}

var httpRows = rows{
	{Name: "nb_get_retry", Args: num(1, maxUint32), Deprecated: "retry", Complain: true, Doc: "Old word for retry.", To: integer(func(l *loader) *int { return &chk(l).Retry })},
	{Name: "virtualhost", Args: text, Soft: true, Doc: "The Host it asks for.", To: str(func(l *loader) *string { return &chk(l).HTTP.VirtualHost })},
	{Name: "http_protocol", Args: args{{Kind: schema.Enum, Words: protocols}}, Soft: true, Doc: "The version of HTTP; 1.0C is 1.0 with Connection: close. h2 is holdfast's own: HTTP/2, for HTTP_GET without TLS to a server that is known to speak it.", Set: func(l *loader, s *stmt) {
		l.chk.HTTP.Protocol = protocol(s.Text())
	}},
	{Name: "enable_sni", Args: on, Doc: "Send the host's name in the TLS handshake.", To: flag(func(l *loader) *bool { return &chk(l).HTTP.SNI })},
	{Name: "fast_recovery", Args: on, Doc: "Ask for the next page at once, when recovering.", To: flag(func(l *loader) *bool { return &chk(l).HTTP.FastRecovery })},
	{Name: "tls_compliant", Args: on, Since: since24, Doc: "Say goodbye as TLS wants it.", To: flag(func(l *loader) *bool { return &chk(l).HTTP.TLSCompliant })},
	{Name: "url", Block: urlBlock, Doc: "A page to ask for.", Set: func(l *loader, s *stmt) { l.url, l.urlWord = &HTTPURL{RegexMax: unset}, s.Keyword() }, End: endURL},
}

func url(l *loader) *HTTPURL { return l.url }

var urlBlock = &block{Name: inReal + "HTTP_GET > url", Parts: []rows{{
	{Name: "path", Args: text, Doc: "The page's path.", To: str(func(l *loader) *string { return &url(l).Path })},
	{Name: "digest", Args: args{{Kind: schema.Text, Label: "MD5"}}, Doc: "What the page's digest must be, as genhash prints it.", Set: setDigest},
	{Name: "status_code", Args: args{{Kind: schema.Words, Label: "CODE[-CODE] …", Optional: true}}, Doc: "What the status must be; 200-299 by default.", Set: setStatus},
	{Name: "virtualhost", Args: text, Soft: true, Doc: "The Host it asks for.", To: str(func(l *loader) *string { return &url(l).VirtualHost })},
	{Name: "regex", Args: optText, Doc: "What the page must match.", Set: func(l *loader, s *stmt) {
		if s.Has(0) {
			l.url.Regex, l.regexWord = s.Text(), s.Words()[0]
		}
	}},
	{Name: "regex_no_match", Doc: "What matches is a failure.", To: flag(func(l *loader) *bool { return &url(l).RegexNoMatch })},
	{Name: "regex_options", Args: optWords, Doc: "Options of the match; caseless, dotall, extended, firstline and multiline change it, the other ones of PCRE2 are taken and make no difference.", Set: setRegexOptions},
	{Name: "regex_min_offset", Args: optText, Doc: "The first byte at which a match may begin, from 0.", To: offset(func(l *loader) *int { return &url(l).RegexMin })},
	{Name: "regex_max_offset", Args: optText, Doc: "The last byte at which a match may begin.", To: offset(func(l *loader) *int { return &url(l).RegexMax })},
	{Name: "regex_stack", Args: optWords, Doc: "The size of the matcher's stack; holdfast's needs none, the line has no effect."},
	{Name: "tls_compliant", Args: on, Since: since24, Doc: "Say goodbye as TLS wants it.", To: flag(func(l *loader) *bool { return &url(l).TLSCompliant })},
}}}

// digestLen is the length of an MD5 digest in hexadecimal.
const digestLen = 32

func setDigest(l *loader, s *stmt) {
	d := s.Text()
	if len(d) != digestLen || strings.Trim(strings.ToLower(d), "0123456789abcdef") != "" {
		s.Fault("HF011", diag.Error, s.Words()[0], "digest "+strconv.Quote(d)+" is not valid", "32 hexadecimal digits")
		return
	}
	l.url.Digest = strings.ToLower(d)
}

func setStatus(l *loader, s *stmt) {
	l.url.Status = nil
	for _, w := range s.Words() {
		from, to, isRange := strings.Cut(w.Text, "-")
		a, err := strconv.ParseUint(from, 10, 16)
		b := a
		if err == nil && isRange {
			b, err = strconv.ParseUint(to, 10, 16)
		}
		if err != nil || a < 100 || b > 599 || b < a {
			s.Fault("HF011", diag.Error, w, "status_code "+strconv.Quote(w.Text)+" is not valid", "a code or range of codes from 100 to 599")
			continue
		}
		l.url.Status = append(l.url.Status, StatusRange{int(a), int(b)})
	}
}

func endURL(l *loader) {
	if l.url.Path == "" {
		l.fault("HF034", l.urlWord, "url has no path, it is ignored", "path PATH", "")
		return
	}
	l.matchable()
	l.chk.HTTP.URLs = append(l.chk.HTTP.URLs, *l.url)
}

var hostBlock = &block{Name: inReal + "SMTP_CHECK > host", Parts: []rows{connectRows, repeatRows}}

var smtpRows = rows{
	{Name: "helo_name", Args: text, Soft: true, Doc: "The name given in HELO.", To: str(func(l *loader) *string { return &chk(l).SMTP.Helo })},
	{Name: "host", Block: hostBlock, Doc: "Another host to check in its place.", Set: beginHost, End: endHost},
}

var dnsTypes = []string{"A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY"}

var dnsRows = rows{
	{Name: "type", Args: args{{Kind: schema.Enum, Fold: true, Words: dnsTypes}}, Doc: "The type asked for; SOA by default.", Set: func(l *loader, s *stmt) { l.chk.DNS.Type = strings.ToUpper(s.Text()) }},
	{Name: "name", Args: name, Doc: "The name asked for; the root by default.", Set: setDNSName},
}

var udpRows = rows{
	{Name: "payload", Args: words, Soft: true, Doc: "What to send, in hexadecimal.", Set: setPayload},
	{Name: "require_reply", Args: optWords, Doc: "An answer must come, perhaps with these bytes; x is any digit.", Set: setReply},
	{Name: "min_reply_length", Args: num(0, math.MaxUint16), Doc: "The least length of the answer.", To: integer(func(l *loader) *int { return &chk(l).UDP.MinReply })},
	{Name: "max_reply_length", Args: num(0, math.MaxUint16), Doc: "The greatest length of the answer; 255 by default.", To: integer(func(l *loader) *int { return &chk(l).UDP.MaxReply })},
}

var bfdCheckRows = rows{
	{Name: "name", Args: name, Soft: true, Doc: "The bfd_instance.", Set: func(l *loader, s *stmt) {
		if l.chk.BFD != "" {
			s.Fault("HF031", diag.Error, s.Keyword(), "name is given twice, the second is ignored", "")
			return
		}
		refer("track_bfd", "bfd_instance")(l, s)
		l.chk.BFD = s.Text()
	}},
	{Name: "alpha", Args: on, Doc: "The server counts as down until the session is up.", Set: func(l *loader, s *stmt) { l.chk.Alpha, l.chk.alpha = s.Bool(), 1 }},
}

var fileCheckRows = rows{
	{Name: "track_file", Args: name, Doc: "The track_file.", Set: func(l *loader, s *stmt) {
		refer("track_file", "track_file")(l, s)
		l.chk.File.TrackFile = s.Text()
	}},
	{Name: "weight", Args: args{{Kind: schema.Number, Min: -maxWeight, Max: maxWeight}, {Kind: schema.Enum, Words: []string{"reverse"}, Optional: true}}, Soft: true, Doc: "By how much the file's number counts; as the track_file says by default.", Set: func(l *loader, s *stmt) {
		f := l.chk.File
		f.Weight, f.WeightSet, f.Reverse = s.Int(), true, s.Has(1)
	}},
	{Name: "dynamic", Since: since24, Doc: "The file's number, times the weight, is added to the server's weight; so it is without this word."},
}

// miscNotes is a program to look at when the file has been read.
type miscNotes struct {
	chk  *Checker
	rs   *RealServer
	word syntax.Word
}

// maxDNSName is the length of a name in text, in octets (RFC 1035 §2.3.4: 255
// with a length before each label and an empty one at the end).
const maxDNSName = 253

// setDNSName holds a name to the form of RFC 1035 §2.3.1, labels only.
func setDNSName(l *loader, s *stmt) {
	if l.chkNamed {
		s.Fault("HF031", diag.Error, s.Keyword(), "name is given twice, the second is ignored", "")
		return
	}
	l.chkNamed = true
	name := strings.TrimSuffix(s.Text(), ".")
	if name == "" {
		return
	}
	bad := len(name) > maxDNSName
	for _, label := range strings.Split(name, ".") {
		bad = bad || label == "" || len(label) > 63
	}
	if bad {
		s.Fault("HF011", diag.Error, s.Words()[0], "name "+strconv.Quote(s.Text())+" is not valid", "labels of 1 to 63 characters with dots between them")
		return
	}
	l.chk.DNS.Name = name
}

// refer holds a checker's name to something defined above.
func refer(kind, keyword string) func(*loader, *stmt) {
	return func(l *loader, s *stmt) {
		if !l.named[kind+" "+s.Text()] {
			s.Fault("HF023", diag.Error, s.Words()[0], "there is no "+keyword+" "+s.Text()+" above", "the name of a "+keyword)
			return
		}
		l.chkNamed = true
	}
}

// bareBlock complains about a block without braces that counts all the same.
func bareBlock(s *stmt) {
	if !s.Node.Opened {
		s.Fault("HF017", diag.Error, s.Keyword(), s.Keyword().Text+" has no block, it counts as an empty one", "{ … }")
	}
}

// protocol is a version of HTTP as it is kept.
func protocol(word string) string {
	if word == "h2" {
		return word
	}
	return strings.ToUpper(word)
}
