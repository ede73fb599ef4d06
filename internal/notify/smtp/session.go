package smtp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"time"
)

// maxAnswer bounds what is read of a server in one session, in bytes.
const maxAnswer = 64 << 10

// Refused is an answer that is not the one hoped for.
type Refused struct {
	To   string // what was said to the server
	Code int
	Text string
}

func (r *Refused) Error() string { return fmt.Sprintf("%s: %d %s", r.To, r.Code, r.Text) }

// Permanent: trying again is in vain (RFC 5321 §4.2.1: 5yz).
func (r *Refused) Permanent() bool { return r.Code >= 500 }

// deliver makes one attempt.
func (c *Config) deliver(ctx context.Context, m Mail) error {
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	connecting, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	conn, err := dial(connecting, "tcp", c.address())
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	s := session{conn: conn, text: textproto.NewConn(bounded{io.LimitReader(conn, maxAnswer), conn}), limit: c.Timeout}
	return s.mail(c, m)
}

// bounded reads no more than so much of a connection.
type bounded struct {
	io.Reader
	io.WriteCloser
}

// session is a conversation with a server.
type session struct {
	conn  net.Conn
	text  *textproto.Conn
	limit time.Duration
}

// mail is the whole conversation (RFC 5321 §3), with HELO, as keepalived has
// it: nothing of ESMTP is needed.
func (s *session) mail(c *Config, m Mail) error {
	if err := s.expect("the greeting", "", 2); err != nil {
		return err
	}
	lines := []string{"HELO " + word(c.Helo), "MAIL FROM:<" + word(c.From) + ">"}
	for _, to := range c.To {
		lines = append(lines, "RCPT TO:<"+word(to)+">")
	}
	for _, l := range lines {
		if err := s.expect(l, l+"\r\n", 2); err != nil {
			return err
		}
	}
	if err := s.expect("DATA", "DATA\r\n", 3); err != nil {
		return err
	}
	if err := s.expect("the mail", string(c.message(m))+".\r\n", 2); err != nil {
		return err
	}
	_ = s.expect("QUIT", "QUIT\r\n", 2) // it has the mail
	return nil
}

// expect says something, and wants an answer whose code begins with class.
func (s *session) expect(what, say string, class int) error {
	if err := s.conn.SetDeadline(time.Now().Add(s.limit)); err != nil {
		return err
	}
	if say != "" {
		if _, err := io.WriteString(s.conn, say); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	code, text, err := s.text.ReadResponse(0)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if code/100 != class {
		return &Refused{To: what, Code: code, Text: strings.ToValidUTF8(text, "?")}
	}
	return nil
}

// message is the mail as keepalived writes it; a line that begins with a dot
// gets another (RFC 5321 §4.5.2).
func (c *Config) message(m Mail) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Date: %s\r\nFrom: %s\r\nSubject: %s\r\nX-Mailer: Keepalived\r\nTo: %s\r\n",
		m.At.Format(time.RFC1123Z), line(c.From), line(m.Subject), line(strings.Join(c.To, ", ")))
	if m.Cause != "" {
		fmt.Fprintf(&b, "X-Holdfast-Cause: %s\r\n", line(m.Cause))
	}
	b.WriteString("\r\n")
	for l := range strings.Lines(m.Body) {
		if strings.HasPrefix(l, ".") {
			b.WriteByte('.')
		}
		b.WriteString(line(l) + "\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// line is s without what would begin another line.
func line(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

// word is line for what stands within a command.
func word(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '<' || r == '>' {
			return -1
		}
		return r
	}, line(s))
}
