package checkd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/check"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/dns"
	"github.com/holdfast-ha/holdfast/internal/probe/expect"
	"github.com/holdfast-ha/holdfast/internal/probe/file"
	"github.com/holdfast-ha/holdfast/internal/probe/ftp"
	"github.com/holdfast-ha/holdfast/internal/probe/grpc"
	"github.com/holdfast-ha/holdfast/internal/probe/http"
	"github.com/holdfast-ha/holdfast/internal/probe/misc"
	"github.com/holdfast-ha/holdfast/internal/probe/ping"
	"github.com/holdfast-ha/holdfast/internal/probe/secure"
	"github.com/holdfast-ha/holdfast/internal/probe/smtp"
	"github.com/holdfast-ha/holdfast/internal/probe/udp"
	"github.com/holdfast-ha/holdfast/internal/proc"
)

const (
	// maxNetwork is how many probes that need a goroutine (SSL_GET, regular
	// expressions) run at once. The rest wait for their turn.
	maxNetwork = 2048
	// maxPrograms is how many programs of MISC_CHECKs run at once.
	maxPrograms = 256
)

// attempt is one step of a check, ready to be made. Mere connections and plain
// HTTP go over the engine, on the loop; what needs its thread or computes
// for long runs in a crowd.
type attempt struct {
	http    *http.Probe // speaks over the engine; nil: only connect
	slow    probe.Probe // runs in a crowd; nil: the engine
	program bool        // in that of programs
	bfd     bool        // waits for what the BFD child says
}

// connects are the steps of every check that only connects: there is nothing
// about it to be made ready.
var connects = []attempt{{}}

// onlyConnects reports whether a check's steps are connects.
func onlyConnects(p *build.Probe) bool { return p.Kind == build.KindTCP }

// endpoint is where a probe goes.
func endpoint(p *build.Probe) probe.Endpoint {
	return probe.Endpoint{
		Addr: p.To, BindTo: p.BindTo, BindPort: p.BindPort, BindIf: p.BindIf, Mark: p.Mark, Via: p.Direct.Addr(), Timeout: p.Timeout,
	}
}

// compile makes the attempts of a check, one for each step.
func compile(p *build.Probe) ([]attempt, error) {
	to := endpoint(p)
	switch {
	case onlyConnects(p):
		return connects, nil
	case p.BFD != "":
		return []attempt{{bfd: true}}, nil
	case p.Program != nil:
		run := &misc.Probe{Run: spec(p.Program), Dynamic: p.Dynamic}
		return []attempt{{slow: run, program: true}}, nil
	case p.HTTP == nil:
		one, err := single(p, to)
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", p.Kind, p.To, err)
		}
		return []attempt{{slow: one}}, nil
	}
	steps := make([]attempt, len(p.HTTP.URLs))
	for i, u := range p.HTTP.URLs {
		cfg := http.Config{
			To: to, Protocol: p.HTTP.Protocol, Path: u.Path, Host: u.VirtualHost,
			Want: http.Want{
				Digest: u.Digest, Regex: u.Regex, NoMatch: u.RegexNoMatch, Options: u.RegexOptions,
				From: u.RegexMin, Before: u.RegexMax + 1,
			},
		}
		if p.HTTP.TLS != nil {
			cfg.TLS = overTLS(true, p.HTTP.TLS, to, u.VirtualHost, p.HTTP.SNI)
			cfg.TLS.Farewell = p.HTTP.Farewell || u.TLSCompliant
		}
		for _, s := range u.Status {
			cfg.Want.Status = append(cfg.Want.Status, http.Range{From: s.From, To: s.To})
		}
		h, err := http.New(cfg)
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", p.Kind, p.To, err)
		}
		steps[i] = attempt{http: h}
		if !h.OnLoop() {
			steps[i] = attempt{slow: h}
		}
	}
	return steps, nil
}

// scripted makes the probe of an EXPECT_CHECK.
func scripted(e *conf.ExpectCheck, to probe.Endpoint) (probe.Probe, error) {
	c := expect.Config{To: to, TLS: overTLS(e.TLS, &e.Secure, to, "", false), Steps: slices.Clone(expect.Ready(e.Service))}
	for _, s := range e.Steps {
		step := expect.Step{Send: []byte(s.Send)}
		switch {
		case s.Regex != "":
			re, err := regexp.Compile(s.Regex)
			if err != nil {
				return nil, err
			}
			step.Want = []expect.Pattern{{Regex: re}}
		case s.Want != "":
			step.Want = []expect.Pattern{{Bytes: []byte(s.Want), Mask: []byte(s.Mask)}}
		}
		c.Steps = append(c.Steps, step)
	}
	return expect.New(c), nil
}

// overTLS says how a probe makes its connection, nil for a plain one; host is
// whom it asks for, and told in the handshake if sni is set.
func overTLS(wanted bool, t *conf.TLS, to probe.Endpoint, host string, sni bool) *secure.Config {
	if !wanted {
		return nil
	}
	c := &secure.Config{
		Name: t.Name, Verify: t.Verify, CA: t.CA, Certificate: t.Certificate, Key: t.Key, Password: t.Password,
		ExpiryWarn: t.ExpiryWarn,
	}
	if c.Name == "" && sni {
		c.Name = host
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	c.Whom = cmp.Or(t.Name, host, to.Addr.Addr().String())
	return c
}

// single makes the probe of a kind that has one step and a goroutine.
func single(p *build.Probe, to probe.Endpoint) (probe.Probe, error) {
	switch {
	case p.DNS != nil:
		return dns.New(dns.Config{To: to, Type: p.DNS.Type, Name: p.DNS.Name})
	case p.SMTP != nil:
		return smtp.New(smtp.Config{To: to, Helo: p.SMTP.Helo})
	case p.UDP != nil:
		return udp.New(udp.Config{
			To: to, Payload: []byte(p.UDP.Payload), Require: p.UDP.RequireReply,
			Reply: []byte(p.UDP.Reply), Mask: []byte(p.UDP.Mask), Min: p.UDP.MinReply, Max: p.UDP.MaxReply,
		})
	case p.FTP != nil:
		return ftp.New(ftp.Config{To: to, User: p.FTP.User, Password: p.FTP.Password})
	case p.GRPC != nil:
		return grpc.New(grpc.Config{
			To: to, Service: p.GRPC.Service, Host: p.GRPC.VirtualHost,
			TLS: overTLS(p.GRPC.TLS, &p.GRPC.Secure, to, p.GRPC.VirtualHost, true),
		})
	case p.Expect != nil:
		return scripted(p.Expect, to)
	case p.File != nil:
		f := p.File
		return file.New(file.Config{Name: f.Name, Path: f.Path, Weight: f.Weight, Reverse: f.Reverse, Base: f.Base}), nil
	case p.Kind == build.KindPing:
		return &ping.Probe{To: to}, nil
	}
	return nil, errors.New("it is not built")
}

func spec(p *build.Program) proc.Spec {
	return proc.Spec{Argv: p.Argv, User: p.User, Group: p.Group, Timeout: p.Timeout, Secure: p.Secure}
}

// startChecks begins the attempts that are due, some of them.
func (d *daemon) startChecks(now clock.Instant, _ time.Duration) {
	for range startsTurn {
		slot, ok := d.due.Due(now)
		if !ok {
			break
		}
		m := slot.Item
		d.act(m, m.machine.Step(now, check.Tick{}))
		d.schedule(m)
		d.collect(now) // on a near network it has ended already
	}
	d.settle()
}

// schedule puts a monitor where its machine wants it.
func (d *daemon) schedule(m *monitor) {
	at, ok := m.machine.Deadline()
	if !ok || m.gone {
		d.due.Remove(&m.slot)
		return
	}
	d.due.Set(&m.slot, at)
}

// start makes an attempt.
func (d *daemon) start(m *monitor, step int) {
	m.step = step % len(m.attempts)
	if d.holds(m) {
		return
	}
	a := &m.attempts[m.step]
	now := d.loop.Now()
	switch {
	case a.bfd:
		d.awaitBFD(m)
	case a.slow == nil && a.http == nil:
		to := endpoint(&m.plan.Probe)
		d.engine.Start(now, m, &to, nil, m.doubted)
	case a.slow == nil:
		d.engine.Start(now, m, &a.http.To, a.http.Talk(), m.doubted)
	case a.program:
		d.scripts.start(m, a.slow)
	default:
		d.network.start(m, a.slow)
	}
}

// ready goes on with what the engine has under way.
func (d *daemon) ready() {
	now := d.loop.Now()
	d.engine.Ready(now)
	d.collect(now)
	d.settle()
}

// expire ends attempts whose time is up.
func (d *daemon) expire(now clock.Instant, _ time.Duration) {
	d.engine.Expire(now)
	d.collect(now)
	d.settle()
}

// collect takes the engine's results.
func (d *daemon) collect(now clock.Instant) {
	for _, o := range d.engine.Done() {
		d.finished(now, o.Tag, o.Result)
	}
	answered := d.bfd.answered
	d.bfd.answered = nil
	for _, m := range answered {
		d.report(now, m)
	}
}

// finished hands a result to the machine that asked for it.
func (d *daemon) finished(now clock.Instant, m *monitor, r probe.Result) {
	if m.gone {
		return
	}
	was, wasVoid := m.detail, m.void
	d.warn(now, m, r.Warning)
	void := r.Reason == probe.Exhausted
	m.last, m.took, m.ok, m.detail, m.void = now, r.Took, r.OK, r.Detail, void
	if void && (!wasVoid || r.Detail != was) {
		c := m.users[0]
		d.tell(record{level: slog.LevelWarn, object: c.server.name(), cause: r.Detail,
			what: c.attempted() + " could not be tried: " + r.Detail})
	}
	if !void {
		m.doubted = !r.OK
	}
	d.act(m, m.machine.Step(now, check.Finished{Result: check.Result{
		OK: r.OK, Detail: r.Detail, Weight: r.Weight, WeightSet: r.WeightSet,
		Void: void,
	}}))
	d.schedule(m)
}

// warnEvery is how often a probe's warning is told again.
const warnEvery = 24 * time.Hour

// warn tells what a probe warns of, once a day.
func (d *daemon) warn(now clock.Instant, m *monitor, what string) {
	if what == "" || m.warned != 0 && now.Sub(m.warned) < warnEvery {
		return
	}
	m.warned = now
	c := m.users[0]
	d.tell(record{level: slog.LevelWarn, object: c.server.name(), cause: what, what: c.attempted() + ": " + what})
}

// crowd runs probes in goroutines, so many at once. The loop owns it.
type crowd struct {
	daemon  *daemon
	room    int
	running int
	waiting []turn // at most one for each monitor
	members sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc
}

type turn struct {
	m *monitor
	p probe.Probe
}

func (w *crowd) start(m *monitor, p probe.Probe) {
	if w.running >= w.room {
		w.waiting = append(w.waiting, turn{m, p})
		return
	}
	if w.ctx == nil {
		w.ctx, w.cancel = context.WithCancel(context.Background())
	}
	w.running++
	ctx, d := w.ctx, w.daemon
	w.members.Go(func() {
		r := p.Probe(ctx)
		d.post(ctx, func() { w.done(m, r) })
	})
}

func (w *crowd) done(m *monitor, r probe.Result) {
	w.running--
	for len(w.waiting) > 0 && w.running < w.room {
		next := w.waiting[0]
		w.waiting[0] = turn{}
		w.waiting = w.waiting[1:]
		if !next.m.gone {
			w.start(next.m, next.p)
		}
	}
	w.daemon.finished(w.daemon.loop.Look(), m, r)
	w.daemon.settle()
}

// close ends what runs and waits for it.
func (w *crowd) close() {
	if w.cancel != nil {
		w.cancel()
	}
	w.members.Wait()
}

// fullPause is how long a poster waits when the loop's queue is full.
const fullPause = time.Millisecond

// post has fn called on the loop and waits, if its queue is full, until it is
// taken or ctx ends.
func (d *daemon) post(ctx context.Context, fn func()) {
	for !d.loop.Post(fn) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(fullPause):
		}
	}
}
