package conf

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// FTPCheck is what FTP_CHECK adds.
type FTPCheck struct {
	User, Password string // User empty: nobody logs in
}

// GRPCCheck is what GRPC_CHECK adds.
type GRPCCheck struct {
	Service     string // empty: the server as a whole
	VirtualHost string // empty: the address
	TLS         bool
	Secure      TLS
}

// ExpectCheck is what EXPECT_CHECK adds: the name of a script that is ready,
// or the steps of one.
type ExpectCheck struct {
	Service string
	Steps   []ExpectStep
	TLS     bool
	Secure  TLS
}

// ExpectStep is one line of a script. Send is set, or Want, or Regex.
type ExpectStep struct {
	Send  string // bytes
	Want  string // bytes
	Mask  string // the bits of Want that count; empty: all
	Regex string
}

// Services are the scripts of EXPECT_CHECK that are ready.
var Services = []string{"redis", "mysql", "postgresql", "ldap"}

// Bounds of a script.
const (
	maxSteps   = 64
	maxSend    = 16 << 10 // bytes of one step
	maxService = 1024     // bytes of the name of a gRPC service
)

var ftpRows = rows{
	{Name: "user", Own: true, Args: args{{Kind: schema.Text, Label: "NAME"}}, Soft: true, Doc: "Who logs in; without one the greeting is enough.", To: oneLine(func(l *loader) *string { return &l.chk.FTP.User })},
	{Name: "password", Own: true, Args: text, Soft: true, Doc: "With which password.", To: oneLine(func(l *loader) *string { return &l.chk.FTP.Password })},
}

var grpcRows = rows{
	{Name: "service", Own: true, Args: name, Soft: true, Doc: "The service that must be serving; the server as a whole by default.", Set: func(l *loader, s *stmt) {
		if len(s.Text()) > maxService {
			s.Fault("HF011", diag.Error, s.Words()[0], "the service's name is too long", "at most "+strconv.Itoa(maxService)+" bytes")
			return
		}
		l.chk.GRPC.Service = s.Text()
	}},
	{Name: "virtualhost", Own: true, Args: text, Soft: true, Doc: "The host it asks for; the address by default.", To: str(func(l *loader) *string { return &l.chk.GRPC.VirtualHost })},
	{Name: "tls", Own: true, Args: on, Doc: "Over TLS.", To: flag(func(l *loader) *bool { return &l.chk.GRPC.TLS })},
}

var expectRows = rows{
	{Name: "service", Own: true, Args: args{{Kind: schema.Enum, Words: Services}}, Soft: true, Doc: "A script that is ready, to which steps may be added. It needs no password: PING of Redis, the greeting of MySQL, whether PostgreSQL would speak TLS, an anonymous bind of LDAP.", To: str(func(l *loader) *string { return &l.chk.Expect.Service })},
	{Name: "send", Own: true, Args: text, Soft: true, Doc: `What to send; \r, \n, \t, \0, \\ and \xHH stand for bytes.`, To: bytesStep(func(b string) ExpectStep { return ExpectStep{Send: b} })},
	{Name: "send_hex", Own: true, Args: words, Soft: true, Doc: "The same in hexadecimal.", Set: func(l *loader, s *stmt) {
		if v, _, ok := setHex(s, false); ok {
			l.step(s, ExpectStep{Send: v})
		}
	}},
	{Name: "expect", Own: true, Args: text, Soft: true, Doc: "What must come, anywhere after what was expected before; written as with send.", To: bytesStep(func(b string) ExpectStep { return ExpectStep{Want: b} })},
	{Name: "expect_hex", Own: true, Args: words, Soft: true, Doc: "The same in hexadecimal; x is any digit.", Set: func(l *loader, s *stmt) {
		if v, mask, ok := setHex(s, true); ok {
			if mask == strings.Repeat("\xff", len(mask)) {
				mask = ""
			}
			l.step(s, ExpectStep{Want: v, Mask: mask})
		}
	}},
	{Name: "expect_regex", Own: true, Args: text, Soft: true, Doc: "What the answer must match, in the syntax of Go's regexp.", Set: func(l *loader, s *stmt) {
		if _, err := regexp.Compile(s.Text()); err != nil {
			s.Fault("HF011", diag.Error, s.Words()[0], "expect_regex "+strconv.Quote(s.Text())+" is not valid: "+err.Error(), "")
			return
		}
		l.step(s, ExpectStep{Regex: s.Text()})
	}},
	{Name: "tls", Own: true, Args: on, Doc: "Over TLS.", To: flag(func(l *loader) *bool { return &l.chk.Expect.TLS })},
}

// step adds a step to the script.
func (l *loader) step(s *stmt, st ExpectStep) {
	e := l.chk.Expect
	switch {
	case st == ExpectStep{}:
		s.Fault("HF012", diag.Error, s.Keyword(), s.Keyword().Text+" has nothing in it, the line is ignored", "")
	case len(e.Steps) >= maxSteps:
		s.Fault("HF011", diag.Error, s.Keyword(), "the script has more than "+strconv.Itoa(maxSteps)+" steps, the line is ignored", "")
	default:
		e.Steps = append(e.Steps, st)
	}
}

// oneLine is a text that will be a line's.
type oneLine func(*loader) *string

// Keep stores it.
func (f oneLine) Keep(l *loader, s *stmt) {
	if strings.ContainsAny(s.Text(), "\r\n\x00") {
		s.Fault("HF011", diag.Error, s.Words()[0], s.Keyword().Text+" is not one line", "")
		return
	}
	*f(l) = s.Text()
}

// bytesStep is a step of text with escapes.
type bytesStep func(string) ExpectStep

// Keep adds it.
func (of bytesStep) Keep(l *loader, s *stmt) {
	b, ok := unescape(s.Text())
	if !ok || len(b) > maxSend {
		s.Fault("HF011", diag.Error, s.Words()[0], strconv.Quote(s.Text())+" is not valid", `\r \n \t \0 \\ \xHH, at most `+strconv.Itoa(maxSend)+" bytes")
		return
	}
	l.step(s, of(b))
}

// Escapes of one letter, and what they stand for.
const (
	letters  = `rnt0\`
	controls = "\r\n\t\x00\\"
)

// unescape makes the bytes that are meant.
func unescape(text string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}
		if i++; i >= len(text) {
			return "", false
		}
		if at := strings.IndexByte(letters, text[i]); at >= 0 {
			b.WriteByte(controls[at])
			continue
		}
		if text[i] != 'x' || i+2 >= len(text) {
			return "", false
		}
		n, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(n))
		i += 2
	}
	return b.String(), true
}

// Escape writes bytes as send and expect take them.
func Escape(bytes string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, c := range []byte(bytes) {
		switch at := strings.IndexByte(controls, c); {
		case at >= 0:
			b.WriteString(`\` + letters[at:at+1])
		case c < 0x20 || c >= 0x7f || c == '"':
			b.WriteString(`\x` + digits[c>>4:c>>4+1] + digits[c&0xf:c&0xf+1])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
