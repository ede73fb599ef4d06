package checkd

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/check"
	"github.com/holdfast-ha/holdfast/internal/feed"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// pool is a virtual server.
type pool struct {
	plan      *planned
	machine   *lvs.Pool
	order     []*server                 // as the configuration has them
	leaving   map[lvs.ServerKey]*server // during a reload: those it takes away
	stale     bool                      // in daemon.stale
	quiet     map[lvs.ServerKey]int     // how often servers that leave were found without connections
	suspended bool                      // ha_suspend, and no address of it is here
	mark      uint32                    // that stands for its addresses; 0: none does
}

func (p *pool) name() string { return p.plan.Name }

// server returns the real server with a key, nil if there is none.
func (p *pool) server(key lvs.ServerKey) *server {
	if i, ok := p.machine.Find(key); ok {
		return p.order[i]
	}
	return nil
}

// server is a real server of one pool.
type server struct {
	pool   *pool
	plan   *build.RealServer
	config *lvs.ServerConfig // the machine's
	since  int64             // of its state, nanoseconds since 1970
	cause  string            // of its state
	checks []*checker
}

func (s *server) key() lvs.ServerKey { return s.config.Key }
func (s *server) name() string       { return s.config.Name }

// checker is one check of one real server.
type checker struct {
	server  *server
	index   int // in server.checks
	plan    *build.HealthCheck
	monitor *monitor // nil: gone by a reload
	seat    int      // in monitor.users
	view    check.View
	reason  string // of the last failure that was told
}

// failed tells of an attempt that changed nothing: while the server is up at
// the level that was asked for, and when it is down only of another reason
// than before.
func (d *daemon) failed(c *checker, f check.Failure) {
	level := slog.LevelDebug
	if f.Up && c.plan.LogAll {
		level = slog.LevelInfo
	}
	if f.Up || f.Detail != c.reason {
		d.tell(record{level: level, object: c.server.name(), cause: f.Detail,
			what: c.attempted() + " failed: " + c.detail(f.Detail, c.monitor.step)})
	}
	c.reason = f.Detail
}

// verdict passes a changed mind on to the pool.
func (d *daemon) verdict(c *checker, v check.Verdict) {
	s := c.server
	c.reason = v.Detail
	was, _ := s.pool.machine.Server(s.key())
	cause := c.plan.Probe.Kind + " succeeded"
	switch name := c.plan.Probe.BFD; {
	case name != "" && v.Up:
		cause = c.plan.Probe.Kind + ": session " + name + " is up"
	case name != "":
		cause = c.why()
	case !v.Up:
		cause = c.why() + c.tries(v)
	}
	d.tell(record{object: s.name(), cause: v.Detail, what: c.judged(v)})
	d.step(s.pool, lvs.Turned{Server: s.key(), Check: c.index, Up: v.Up, Cause: cause})
	if v.First && !v.Up && !was {
		// It was down from the start (alpha); now that is known.
		s.cause = cause
		d.notifyServer(s, false, cause)
	}
	d.mailVerdict(c, v, was, cause)
}

// attempted names the attempt in keepalived's words.
func (c *checker) attempted() string {
	switch p := &c.plan.Probe; {
	case p.Program != nil:
		return fmt.Sprintf("Misc check for [%s VS %s] by [%s]", c.server.name(), c.server.pool.name(), p.Program.Argv[0])
	case p.HTTP != nil:
		return "HTTP_CHECK on service " + c.server.name()
	case p.BFD != "":
		return fmt.Sprintf("BFD check of [%s] RS(%s)", p.BFD, c.server.name())
	case p.File != nil:
		return "FILE_CHECK on service " + c.server.name()
	}
	return fmt.Sprintf(phrases[c.plan.Probe.Kind].attempt, c.server.name())
}

// phrases are keepalived's, which operators search for, by kind of checker.
var phrases = map[string]struct{ attempt, up, down string }{
	build.KindTCP:    {"TCP connection to %s", "TCP connection to %s success", "TCP_CHECK on service %s"},
	build.KindDNS:    {"DNS_CHECK (%s)", "DNS_CHECK (%s) success", "DNS_CHECK (%s)"},
	build.KindSMTP:   {"SMTP_CHECK on service %s", "Remote SMTP server %s succeed on service", "SMTP_CHECK on service %s"},
	build.KindFTP:    {"FTP_CHECK on service %s", "FTP_CHECK on service %s succeeded", "FTP_CHECK on service %s"},
	build.KindGRPC:   {"GRPC_CHECK on service %s", "GRPC_CHECK on service %s succeeded", "GRPC_CHECK on service %s"},
	build.KindExpect: {"EXPECT_CHECK on service %s", "EXPECT_CHECK on service %s succeeded", "EXPECT_CHECK on service %s"},
	build.KindUDP:    {"UDP connection to %s", "UDP connection to %s success", "UDP_CHECK on service %s"},
	build.KindPing:   {"ICMP connection to %s", "ICMP connection to %s success", "ICMP CHECK on service %s"},
}

// judged says what a verdict is in keepalived's words, and why.
func (c *checker) judged(v check.Verdict) string {
	p := &c.plan.Probe
	say, known := phrases[p.Kind]
	switch {
	case p.BFD != "" && v.Up:
		return c.attempted() + " is UP"
	case p.BFD != "":
		return c.attempted() + " is DOWN: " + v.Detail
	case p.File != nil && v.Up:
		return fmt.Sprintf("(%s): tracked file %s leaving FAULT state", c.server.name(), p.File.Name)
	case p.File != nil:
		return fmt.Sprintf("(%s): tracked file %s now FAULT state: %s", c.server.name(), p.File.Name, v.Detail)
	case v.Up && p.Program != nil:
		return c.attempted() + " succeeded"
	case v.Up && p.HTTP != nil:
		return "Remote Web server " + c.server.name() + " succeed on service"
	case v.Up:
		return fmt.Sprintf(say.up, c.server.name())
	case v.Retries == 0:
		return c.attempted() + " failed: " + c.detail(v.Detail, c.monitor.judged)
	case known:
		return fmt.Sprintf(say.down+" failed after %d retries: %s", c.server.name(), v.Retries, c.detail(v.Detail, c.monitor.judged))
	}
	return fmt.Sprintf("%s failed after %d retries: %s", c.attempted(), v.Retries, c.detail(v.Detail, c.monitor.judged))
}

// detail adds to a reason which URL it is about, and which way it went.
func (c *checker) detail(why string, step int) string {
	if p := &c.plan.Probe; p.Direct.IsValid() {
		why += " through " + p.To.String()
	}
	h := c.plan.Probe.HTTP
	if h == nil || len(h.URLs) == 0 || step >= len(h.URLs) {
		return why
	}
	return fmt.Sprintf("%s, url %s", why, h.URLs[step].Path)
}

// why says why its server is down.
func (c *checker) why() string {
	kind, detail := c.plan.Probe.Kind, c.monitor.machine.Last().Detail
	if name := c.plan.Probe.BFD; name != "" {
		return kind + ": session " + name + " is down: " + detail
	}
	return kind + " " + c.detail(detail, c.monitor.judged)
}

// tries says how often it was tried, where a retry would have been possible.
func (c *checker) tries(v check.Verdict) string {
	switch all := c.plan.Schedule.Retry + 1; {
	case v.First && v.Retries == 0:
		return " (at the first check)"
	case all > 1:
		return fmt.Sprintf(" (%d of %d tries)", v.Retries+1, all)
	}
	return ""
}

// changed tells what a pool's machine reports, and marks it for settle.
func (d *daemon) changed(p *pool, changes []lvs.Change) {
	d.touch(p)
	for _, c := range changes {
		d.change(p, c)
	}
}

func (d *daemon) change(p *pool, c lvs.Change) {
	vs := p.name()
	switch c := c.(type) {
	case lvs.ServerUp:
		d.say(c.Server.Name, c.Cause, "%s service %s %s VS %s", verb(c.Server.Inhibit, "Enabling", "Adding"),
			c.Server.Name, verb(c.Server.Inhibit, "of", "to"), vs)
		d.turned(p, c.Server, true, c.Cause)
	case lvs.ServerDown:
		d.say(c.Server.Name, c.Cause, "%s service %s %s VS %s", verb(c.Server.Inhibit, "Disabling", "Removing"),
			c.Server.Name, verb(c.Server.Inhibit, "of", "from"), vs)
		d.turned(p, c.Server, false, c.Cause)
	case lvs.ServerAdded:
		d.added(p, c)
	case lvs.ServerRemoved:
		d.removed(p, c)
	case lvs.WeightChanged:
		d.say(c.Server.Name, c.Cause, "Changing weight from %d to %d for %sactive service %s of VS %s",
			c.From, c.To, verb(c.Active, "", "in"), c.Server.Name, vs)
	case lvs.QuorumGained:
		word := "Gained quorum"
		if c.First {
			word = "Starting with quorum up"
		}
		d.say(vs, "", "Gained quorum %d+%d=%d <= %d for VS %s", c.Quorum, c.Hysteresis, c.Quorum+c.Hysteresis, c.Weight, vs)
		d.notifyQuorum(p, true, quorumBody(word, c.Quorum, c.Hysteresis, c.Quorum+c.Hysteresis, c.Weight), "")
		d.feedPool(p, feed.Pool{})
	case lvs.QuorumLost:
		d.quorumLost(p, c)
	case lvs.SorryIn:
		d.say(c.Sorry.Name, "", "Adding sorry server %s to VS %s", c.Sorry.Name, vs)
		d.say(vs, "", "Removing alive servers from the pool for VS %s", vs)
	case lvs.TierChanged, lvs.PanicBegan, lvs.PanicEnded, lvs.ServerHeld, lvs.HeldRecovered, lvs.DrainBegan, lvs.DrainEnded, lvs.RampBegan, lvs.RampEnded:
		d.moved(p, c)
	case lvs.SorryOut:
		d.say(c.Sorry.Name, "", "Removing sorry server %s from VS %s", c.Sorry.Name, vs)
		d.say(vs, "", "Adding alive servers to the pool for VS %s", vs)
	}
}

func (d *daemon) added(p *pool, c lvs.ServerAdded) {
	name, vs := c.Server.Name, p.name()
	if c.Up {
		d.say(name, "new in the configuration", "Adding service %s to VS %s", name, vs)
		return
	}
	if slices.ContainsFunc(c.Server.Checks, func(s lvs.CheckState) bool { return s.Cause != "" }) {
		return // told already
	}
	d.say(name, "new in the configuration, and alpha", "Service %s of VS %s waits for its first success", name, vs)
}

// quorumLost tells it; a pool that starts without quorum and without a sorry
// server has lost nothing.
func (d *daemon) quorumLost(p *pool, c lvs.QuorumLost) {
	began := "Lost quorum"
	if c.First {
		began = "Starting with quorum down"
	}
	d.say(p.name(), "", "%s %d-%d=%d > %d for VS %s", began, c.Quorum, c.Hysteresis, c.Quorum-c.Hysteresis, c.Weight, p.name())
	if !c.First || p.plan.Sorry != nil {
		d.notifyQuorum(p, false, quorumBody(began, c.Quorum, c.Hysteresis, c.Quorum-c.Hysteresis, c.Weight), "")
		d.feedPool(p, feed.Pool{})
	}
}

// say tells something with its cause; it is the loop's.
func (d *daemon) say(object, cause, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if cause != "" {
		what += ": " + cause
	}
	d.tell(record{object: object, what: what, cause: cause, when: d.moment()})
}

func verb(choice bool, yes, no string) string {
	if choice {
		return yes
	}
	return no
}

// turned notes a server's new state and tells who wants to know.
func (d *daemon) turned(p *pool, cfg *lvs.ServerConfig, up bool, cause string) {
	s := p.server(cfg.Key)
	if s == nil {
		return
	}
	s.since, s.cause = d.loop.Read().Wall, cause
	d.notifyServer(s, up, cause)
	d.feedPool(p, feed.Pool{Server: s.name(), ServerUp: up})
}

// removed tells of a server that a reload took away.
func (d *daemon) removed(p *pool, c lvs.ServerRemoved) {
	const why = "it is no longer in the configuration"
	d.say(c.Server.Name, why, "Removing service %s from VS %s", c.Server.Name, p.name())
	if s := p.leaving[c.Server.Key]; s != nil && c.Up {
		d.notifyServer(s, false, why)
		d.notifier.serverMail(s, false, "=> Removing <=", why)
	}
}

func (d *daemon) notifyServer(s *server, up bool, cause string) {
	vs := s.pool.name()
	d.notifier.line("RS", s.name(), vs, word(up))
	script := s.plan.NotifyDown
	if up {
		script = s.plan.NotifyUp
	}
	d.notifier.run(script, s.name()+" "+vs, fmt.Sprintf("service %s in VS %s", s.name(), vs),
		"HOLDFAST_KIND=RS", "HOLDFAST_NAME="+s.name(), "HOLDFAST_SERVICE="+vs, "HOLDFAST_STATE="+word(up), "HOLDFAST_CAUSE="+cause)
}

// notifyQuorum tells of a pool's quorum; body is the mail's.
func (d *daemon) notifyQuorum(p *pool, up bool, body, cause string) {
	d.notifier.line("VS", p.name(), word(up))
	script := p.plan.QuorumDown
	if up {
		script = p.plan.QuorumUp
	}
	d.notifier.run(script, p.name(), "VS "+p.name(),
		"HOLDFAST_KIND=VS", "HOLDFAST_NAME="+p.name(), "HOLDFAST_STATE="+word(up), "HOLDFAST_CAUSE="+strings.Trim(body, "=<> "))
	d.notifier.serviceMail(p, up, body, cause)
}
