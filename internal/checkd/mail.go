package checkd

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/check"
	"github.com/holdfast-ha/holdfast/internal/notify/smtp"
)

// lastMails is how long the end waits for mails that are under way.
const lastMails = 2 * time.Second

// openMail makes the outlet that of a configuration.
func (n *notifier) openMail(m *build.Mail) {
	n.mail, n.mails = m, smtp.Reopen(n.mails, mailConfig(m), n.mailEnded, n.daemon.beside.Go)
}

func mailConfig(m *build.Mail) *smtp.Config {
	if m == nil {
		return nil
	}
	host, _ := os.Hostname() // without it an empty name is said
	return smtp.Config{To: m.To, From: m.From, Server: m.Server, Port: m.Port, Helo: m.Helo, Timeout: m.Timeout}.OnHost(host)
}

// mailVerdict sends the mail about a checker that has changed its mind; was is
// whether its server was up before. With no_checker_emails there is none unless
// the server came or went.
func (d *daemon) mailVerdict(c *checker, v check.Verdict, was bool, cause string) {
	if v.First && v.Up != c.plan.Schedule.Alpha {
		return // it is what it was taken for
	}
	s, n := c.server, d.notifier
	if is, _ := s.pool.machine.Server(s.key()); is == was && n.mail != nil && n.mail.NoCheckers {
		return
	}
	n.serverMail(s, v.Up, verdictBody(&c.plan.Probe, v), cause)
}

// verdictBody is keepalived's text, by kind of checker.
func verdictBody(p *build.Probe, v check.Verdict) string {
	end, ended := "failed", "failed"
	if v.Up {
		end, ended = "succeed", "succeeded"
	}
	switch {
	case p.Program != nil:
		return "=> MISC CHECK " + ended + " on service <="
	case p.Kind == build.KindDNS:
		return "=> DNS_CHECK: " + ended + " on service <="
	case p.Kind == build.KindTCP:
		return "=> TCP CHECK " + end + " on service <="
	case p.Kind == build.KindUDP:
		return "=> UDP CHECK " + end + " on service <="
	case p.Kind == build.KindPing:
		return "=> ICMP CHECK " + end + " on service <="
	case v.Up:
		return "=> CHECK succeed on service <="
	case p.HTTP != nil:
		return "=> CHECK failed on service : HTTP request failed <="
	}
	return "=> CHECK failed on service : " + v.Detail + " <="
}

func (n *notifier) serverMail(s *server, up bool, body, cause string) {
	if s.plan.Mail {
		n.send(fmt.Sprintf("Realserver %s of virtual server %s - %s", s.name(), s.pool.name(), word(up)), body, cause)
	}
}

func (n *notifier) serviceMail(p *pool, up bool, body, cause string) {
	if p.plan.Mail {
		n.send(fmt.Sprintf("Virtualserver %s - %s", p.name(), word(up)), body, cause)
	}
}

// quorumBody is keepalived's text, which says the same of gain and loss.
func quorumBody(what string, quorum, hysteresis, limit, weight int) string {
	return fmt.Sprintf("=> %s %d+%d=%d <= %d <=", what, quorum, hysteresis, limit, weight)
}

func (n *notifier) send(subject, body, cause string) {
	if n.mails == nil {
		return
	}
	taken := n.mails.Send(smtp.Mail{
		Subject: "[" + n.mail.RouterID + "] " + subject, Body: body, Cause: cause,
		At: time.Unix(0, n.daemon.loop.Read().Wall),
	})
	if !taken && !n.full {
		n.daemon.tell(record{level: slog.LevelWarn, kind: "mail",
			what: fmt.Sprintf("%d mails wait already: others are given up", smtp.MaxQueued)})
	}
	n.full = !taken
}

// mailEnded is told from the outlet's goroutine.
func (n *notifier) mailEnded(o smtp.Outcome) {
	what, level := "it is tried again", slog.LevelInfo
	if o.Dropped {
		what, level = "it is given up", slog.LevelWarn
	}
	n.daemon.tell(record{level: level, kind: "mail", cause: o.Err.Error(),
		what: fmt.Sprintf("mail %q: %v after %d tries: %s", o.Mail.Subject, o.Err, o.Tries, what)})
}

func (n *notifier) closeMail() {
	if n.mails != nil && !n.mails.Close(lastMails) {
		n.daemon.tell(record{level: slog.LevelWarn, kind: "mail", what: fmt.Sprintf("mails could not be sent within %v", lastMails)})
	}
}
