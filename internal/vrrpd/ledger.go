package vrrpd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/files"
	"github.com/holdfast-ha/holdfast/internal/kernel"
	"github.com/holdfast-ha/holdfast/internal/kernel/nft"
)

// A daemon that is killed leaves in the kernel what it had put there. What its
// configuration named and the next one does not name any more would stay for
// ever, and an address be there twice. So it is written down, in a file beside
// the pid file, what there may be of ours. Whoever starts next removes what is
// left: what the ledger names, the kernel marks as ours, and nobody wants. An
// orderly end removes the file.

const (
	ledgerVersion = 1
	maxLedger     = 64 << 20 // bytes
	// tellLeftovers is how many of one kind are told by name.
	tellLeftovers = 10
	// ledgerPause is after how long one that could not be written is tried again.
	ledgerPause = 30 * time.Second
)

// ledger is what a configuration may put into the kernel.
type ledger struct {
	Version   int                  `json:"version"`
	Table     string               `json:"table,omitempty"` // of nftables
	Links     []kernel.VirtualLink `json:"links,omitempty"`
	Addresses []conf.Address       `json:"addresses,omitempty"`
	Routes    []conf.Route         `json:"routes,omitempty"`
	Rules     []conf.Route         `json:"rules,omitempty"`
	// Settings of other interfaces are put back in the end.
	Settings []kernel.Setting `json:"settings,omitempty"`
}

// ledgers is the file, and the writing of it beside the loop.
type ledgers struct {
	path    string
	flying  bool
	again   bool          // something changed meanwhile
	trouble string        // the last one told
	retryAt clock.Instant // after trouble; 0: there was none
}

// ledgerOf is what a configuration may put into the kernel.
func ledgerOf(cfg *build.VRRP) *ledger {
	l := &ledger{Version: ledgerVersion, Links: want(cfg)}
	add := func(addresses []conf.Address, routes, rules []conf.Route) {
		for _, a := range addresses {
			a.Pos = conf.Pos{}
			l.Addresses = append(l.Addresses, a)
		}
		l.Routes, l.Rules = append(l.Routes, routes...), append(l.Rules, rules...)
	}
	add(cfg.StaticAddresses, cfg.StaticRoutes, cfg.StaticRules)
	for i := range cfg.Routers {
		r := &cfg.Routers[i]
		add(r.Addresses, r.Routes, r.Rules)
	}
	return l
}

// readLedger returns what an earlier run may have left, nil if it ended in
// good order.
func (d *daemon) readLedger() *ledger {
	d.book.path = d.boot.LedgerFile
	if d.book.path == "" || d.reflector == nil {
		return nil
	}
	l, err := readLedger(d.book.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.say(slog.LevelWarn, kindAddress, "", "", "what an earlier run left in the kernel is not known: "+err.Error())
	}
	return l
}

func readLedger(path string) (*ledger, error) {
	f, err := os.Open(path) // beside the pid file
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxLedger))
	l := &ledger{}
	if err == nil {
		err = json.Unmarshal(data, l)
	}
	if err == nil && l.Version != ledgerVersion {
		err = fmt.Errorf("version %d, expected %d", l.Version, ledgerVersion)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return l, nil
}

// inheritLinks makes ours the virtual interfaces that an earlier run made, so
// that those that nobody wants any more are removed as after a reload.
func (d *daemon) inheritLinks(l *ledger) {
	if l == nil {
		return
	}
	for i := range l.Links {
		v := &l.Links[i]
		if s, _ := d.mirror.State(v); s == kernel.LinkReady || s == kernel.LinkDown {
			d.links.ours[v.Name] = true
		}
	}
}

// inherit has everything else removed that an earlier run left and nobody wants.
func (d *daemon) inherit(l *ledger) {
	if l == nil {
		return
	}
	g := &edge{Router: &build.Router{Name: "an earlier run", Addresses: l.Addresses, Routes: l.Routes, Rules: l.Rules}}
	g.routes, g.rules = d.parse(g.Router)
	d.place(g)
	g.holds = slices.DeleteFunc(g.holds, func(h holding) bool {
		there, ok := d.mirror.Address(h.key)
		goes := d.links.byName[h.dev] == nil && slices.ContainsFunc(l.Links, func(v kernel.VirtualLink) bool { return v.Name == h.dev })
		return !ok || there.Protocol != kernel.Protocol || len(d.owners[h.key]) > 0 || goes // with its interface
	})
	g.routes = slices.DeleteFunc(g.routes, func(h heldRoute) bool {
		key, route, err := h.Resolve(d.mirror)
		there, ok := d.mirror.Route(key)
		return err != nil || !ok || there.Protocol != route.Protocol || len(d.routeOwners[key]) > 0
	})
	g.rules = slices.DeleteFunc(g.rules, func(h heldRule) bool {
		rule, err := h.Resolve(d.mirror)
		return err != nil || !d.mirror.Rule(rule) || len(d.ruleOwners[rule]) > 0
	})
	for i := range g.routes {
		h := &g.routes[i]
		h.key, h.route, h.problem = h.Resolve(d.mirror)
	}
	for i := range g.rules {
		h := &g.rules[i]
		h.rule, h.problem = h.Resolve(d.mirror)
	}
	d.ghosts = append(d.ghosts, g)
	d.tellInherited(l, g)
	if l.Table != "" && (!d.wall.there || d.wall.wanted.Table != l.Table) {
		if err := nft.Remove(l.Table); err != nil {
			d.say(slog.LevelWarn, kindAddress, "", "", err.Error())
		}
	}
}

// tellInherited says what is removed.
func (d *daemon) tellInherited(l *ledger, g *edge) {
	var what []string
	add := func(kind string, n int, name func(i int) string) {
		for i := range min(n, tellLeftovers) {
			what = append(what, kind+" "+name(i))
		}
		if n > tellLeftovers {
			what = append(what, fmt.Sprintf("%d more", n-tellLeftovers))
		}
	}
	var links []string
	for i := range l.Links {
		if name := l.Links[i].Name; d.links.byName[name] == nil {
			if _, ok := d.mirror.Link(name); ok {
				links = append(links, name)
			}
		}
	}
	add("interface", len(links), func(i int) string { return links[i] })
	add("address", len(g.holds), func(i int) string { return g.holds[i].String() + " on " + g.holds[i].dev })
	add("route", len(g.routes), func(i int) string { return g.routes[i].key.Dst.String() })
	add("rule", len(g.rules), func(i int) string { return g.rules[i].rule.String() })
	if len(what) > 0 {
		d.sayf(slog.LevelInfo, kindAddress, "", "an earlier run was killed and left what the configuration no longer has: %s: removed", strings.Join(what, ", "))
	}
}

// noteLedger writes the ledger of the running configuration, beside the loop.
func (d *daemon) noteLedger() {
	b := &d.book
	if b.path == "" {
		return
	}
	if b.flying {
		b.again = true
		return
	}
	b.flying = true
	cfg, table, path := d.cfg, "", b.path // what a configuration refers to never changes
	if d.wall.there {
		table = d.wall.wanted.Table
	}
	d.hands.Go(func() {
		l := ledgerOf(&cfg)
		l.Table = table
		if changed := d.links.changed.Load(); changed != nil {
			l.Settings = *changed
		}
		data, err := json.Marshal(l)
		if err == nil {
			err = files.Replace(path, data)
		}
		d.post(func() { d.ledgerWritten(err) })
	})
}

func (d *daemon) ledgerWritten(err error) {
	b := &d.book
	b.flying = false
	if b.again {
		b.again = false
		d.noteLedger()
	}
	if err == nil {
		b.trouble, b.retryAt = "", 0
		return
	}
	b.retryAt = d.now().Add(ledgerPause)
	if why := err.Error(); why != b.trouble {
		b.trouble = why
		d.say(slog.LevelWarn, kindAddress, "", "", "if this daemon is killed, what it leaves in the kernel will not be known: "+why)
	}
}

func (d *daemon) nextLedger() (clock.Instant, bool) { return d.book.retryAt, d.book.retryAt != 0 }

// tickLedger writes what could not be written: a disk may have room again.
func (d *daemon) tickLedger(clock.Instant, time.Duration) {
	d.book.retryAt = 0
	d.noteLedger()
}

// endLedger forgets what has been removed.
func (d *daemon) endLedger() {
	if d.book.path != "" && !d.boot.KeepVRRP {
		_ = os.Remove(d.book.path)
	}
}
