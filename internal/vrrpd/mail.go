package vrrpd

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/notify/smtp"
)

// lastMails is how long the end waits for mails that are under way.
const lastMails = 2 * time.Second

// openMail makes the outlet that of the configuration.
func (d *daemon) openMail(m *build.Mail) {
	d.mails = smtp.Reopen(d.mails, mailConfig(m), d.mailEnded, d.hands.Go)
}

func mailConfig(m *build.Mail) *smtp.Config {
	if m == nil {
		return nil
	}
	host, _ := os.Hostname() // without it an empty name is said
	return smtp.Config{To: m.To, From: m.From, Server: m.Server, Port: m.Port, Helo: m.Helo, Timeout: m.Timeout}.OnHost(host)
}

// bodies are keepalived's texts for a state, of an instance and of a group.
var bodies = map[string]struct{ subject, instance, group string }{
	"MASTER":  {"Entering MASTER state", "=> VRRP Instance is now owning VRRP VIPs <=", "=> All VRRP group instances are now in MASTER state <="},
	"BACKUP":  {"Entering BACKUP state", "=> VRRP Instance is no longer owning VRRP VIPs <=", "=> All VRRP group instances are now in BACKUP state <="},
	"FAULT":   {"Entering FAULT state", "=> VRRP Instance is no longer owning VRRP VIPs <=", "=> All VRRP group instances are now in FAULT state <="},
	"STOP":    {"Stopping", "=> VRRP Instance stopping <=", "=> All VRRP group instances are now stopping <="},
	"DELETED": {"Deleted", "=> VRRP Deleted at reload <=", ""},
}

// mail sends the mail about a state.
func (d *daemon) mail(n *notice) {
	text, known := bodies[n.state]
	if d.mails == nil || !known || n.state == "FAULT" && d.cfg.Mail.NoFaults {
		return
	}
	kind, body := "Instance", text.instance
	if n.kind == "GROUP" {
		kind, body = "Group", text.group
	}
	m := smtp.Mail{
		Subject: fmt.Sprintf("[%s] VRRP %s %s - %s", d.cfg.Mail.RouterID, kind, n.name, text.subject),
		Body:    body, Cause: n.cause, At: time.Unix(0, d.read().Wall),
	}
	if !d.mails.Send(m) {
		if times, ok := d.mailLoss.allow(d.now()); ok {
			d.sayf(slog.LevelWarn, kindNotify, n.name, "%d mails wait already, and one is given up%s", smtp.MaxQueued, times)
		}
	}
}

// mailEnded is told from the outlet's goroutine.
func (d *daemon) mailEnded(o smtp.Outcome) {
	what := "it is tried again"
	level := slog.LevelInfo
	if o.Dropped {
		what, level = "it is given up", slog.LevelWarn
	}
	d.sayf(level, kindNotify, "", "mail %q: %v after %d tries: %s", o.Mail.Subject, o.Err, o.Tries, what)
}

func (d *daemon) closeMail() {
	if d.mails != nil && !d.mails.Close(lastMails) {
		d.sayf(slog.LevelWarn, kindNotify, "", "mails could not be sent within %v", lastMails)
	}
}
