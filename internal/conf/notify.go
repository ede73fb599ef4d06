package conf

import "time"

// Choice is a yes or no that may be left to others.
type Choice uint8

// The values of a Choice.
const (
	Unsaid Choice = iota
	Yes
	No
)

// Or is the choice, or d where none was made.
func (c Choice) Or(d bool) bool {
	if c == Unsaid {
		return d
	}
	return c == Yes
}

// Mail is what global_defs says of mail. Who sends is said by Alerts… and by
// each object's SMTPAlert: see MailVRRP, MailServers and MailServices.
type Mail struct {
	To         []string      // notification_email; nobody: no mail at all
	From       string        // empty: root at this host
	Server     string        // smtp_server, an address or a name; empty: 127.0.0.1
	Port       int           // default 25
	Helo       string        // empty: this host's name
	Timeout    time.Duration // smtp_connect_timeout, default 30 s
	Alerts     Choice        // smtp_alert
	VRRP       Choice        // smtp_alert_vrrp
	Checker    Choice        // smtp_alert_checker
	NoFaults   bool          // no_email_faults
	NoCheckers bool          // no_checker_emails: only when a server comes or goes
}

// MailVRRP is whether instances and groups send mail that do not say.
func (m *Mail) MailVRRP() bool { return m.VRRP.Or(m.Alerts.Or(false)) }

// MailServers is whether real servers send mail that do not say.
func (m *Mail) MailServers() bool { return m.Checker.Or(m.Alerts.Or(true)) }

// MailServices is whether virtual servers send mail that do not say.
func (m *Mail) MailServices() bool { return m.Checker.Or(m.Alerts.Or(false)) }

// FIFO is a named pipe for notifications, and whose it is if we make it.
type FIFO struct {
	Path        string
	User, Group string // empty: Global.ScriptUser
}
