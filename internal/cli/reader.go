package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/delta"
	"github.com/holdfast-ha/holdfast/internal/conf/print"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/director/ipvs"
	"github.com/holdfast-ha/holdfast/internal/files"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/lint"
	"github.com/holdfast-ha/holdfast/internal/parent"
	"github.com/holdfast-ha/holdfast/internal/probe/secure"
)

// shortLifeMemory is the memory, in bytes, below which a process that reads a
// configuration and ends collects no garbage at all.
const shortLifeMemory = 64 << 20

// shortLife tunes the runtime for a process that ends in a moment: nothing is
// collected until there is much, and from then on a quarter more may be
// garbage.
func shortLife() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(shortLifeMemory)
	first := new([16]byte)
	runtime.AddCleanup(first, func(struct{}) { // it is unreachable: the first collection finds it
		debug.SetGCPercent(25)
		debug.SetMemoryLimit(math.MaxInt64)
	}, struct{}{})
}

// disk and system are what configurations are read from and judged by.
var (
	disk   files.Disk
	system files.System
)

// tlsFiles reads what checks over TLS will read.
func tlsFiles(t conf.TLS) (file string, err error) {
	return secure.Check(t.CA, t.Certificate, t.Key, t.Password)
}

// reader is the throw-away reader.
type reader struct {
	// The configuration that runs, once Prepare has looked at it.
	was  *source.Set
	past *delta.Past
}

// Read loads the configuration once, keeps every byte that it read for the
// children, and reports what the parent must know.
func (p *reader) Read(q parent.LoadRequest, running []byte) (parent.Report, *os.File, error) {
	shortLife()
	draft, err := newDraft()
	if err != nil {
		return parent.Report{}, nil, err
	}
	n := next{LoadRequest: q, facts: conf.NewFacts(system), was: p.was, past: p.past, alike: map[string]source.Alike{}}
	n.once = source.NewRecorder(files.Disk{Keep: func(name string, r io.Reader) (data []byte, err error) {
		data, n.alike[name], err = draft.Copy(r, n.before(name))
		return data, err
	}})
	n.load(running)
	n.found = append(n.found, lint.AtStart(n.cfg, lint.Options{Files: n.once, TLS: tlsFiles})...)
	r := n.report()
	if r.Fatal != "" {
		return r, nil, nil
	}
	set := n.once.Set()
	r.Blank = blank(set)
	set.Facts = n.facts.Marshal()
	if running != nil {
		r.Reload = n.reloads()
	}
	if err := draft.Write(set.Index()); err != nil {
		return r, nil, err
	}
	snapshot, err := draft.Seal()
	return r, snapshot, err
}

// newDraft begins a snapshot.
func newDraft() (*ipc.Draft, error) {
	draft, err := ipc.NewDraft("keepalived.conf")
	if err == nil {
		err = draft.Write([]byte(source.Magic))
	}
	return draft, err
}

// next is a configuration that is to run.
type next struct {
	parent.LoadRequest

	once  *source.Recorder
	facts *conf.Facts
	cfg   *conf.Config
	found diag.List

	// The virtual and real servers that cfg is without: plain ones at a start, at
	// a reload those that delta leaves out.
	services, servers int

	// The set of the configuration that runs, or why there is none; nil at a
	// start.
	was    *source.Set
	wasBad error
	// alike is what files have in common with those of that name there.
	alike map[string]source.Alike
	// past is that configuration, to be compared with; nil: not yet.
	past *delta.Past
	// What of cfg was not read because it is the same there, and the rest of the
	// configuration that runs; nil: all was read.
	delta *delta.Delta
	have  *conf.Config
	// sample has something read although it is the same (delta.Delta).
	sample bool
}

func (n *next) report() parent.Report {
	q, cfg, found := &n.LoadRequest, n.cfg, n.found
	g := &cfg.Global
	r := parent.Report{
		Problems: problems(found), Errors: found.Count(diag.Error),
		Strict: q.Strict || g.ConfigStrict, ConfigID: q.ConfigID, Instance: g.Instance, NetNS: g.NetNamespace,
		UsePIDDir: g.UsePidDir, ChildWait: g.ChildWait + build.Removal(n.realServers()), Drain: build.LongestDrain(cfg),
		Umask: g.Umask, Reloads: parent.Reloads(g.Reloads),
		ProcessNames: map[string]string{},
	}
	nameProcesses(r.ProcessNames, g)
	for i := range found {
		if found[i].Severity == diag.Fatal {
			r.Fatal, r.Exit = placed(&found[i]), fatalExit(q.ConfigFile)
			if lacksInclude(found[i]) {
				r.Exit = parent.ExitNoConfig
			}
			return r
		}
	}
	if q.Dump {
		r.Dump = strings.Split(strings.TrimRight(print.Text(print.Tree(cfg), false), "\n"), "\n")
		r.Dump = r.Dump[:min(len(r.Dump), parent.MaxDump)]
	}
	r.StartupScript = script(g, g.StartupScript)
	r.ShutdownScript = script(g, g.ShutdownScript)
	if q.VRRP {
		reportVRRP(&r, cfg)
	}
	if q.Checkers {
		n.reportServices(&r)
	}
	static := len(cfg.StaticAddresses) + len(cfg.StaticRoutes) + len(cfg.StaticRules)
	if q.VRRP && (r.Instances+static > 0 || g.SyncDaemon != nil || q.All) {
		r.Children = append(r.Children, parent.VRRP)
	}
	if q.Checkers && (r.Services > 0 || q.All) {
		r.Children = append(r.Children, parent.Checker)
	}
	switch {
	case len(cfg.BFDs) == 0:
	case q.BFD:
		r.Children = append(r.Children, parent.BFD)
	default: // nobody would find out why they are down
		r.Problems = append(r.Problems, api.Problem{Severity: "warning", File: cfg.BFDs[0].Pos.File, Line: cfg.BFDs[0].Pos.Line, Column: cfg.BFDs[0].Pos.Col,
			Message: "there is no BFD child (--no_bfd), so nobody learns whether the neighbour of bfd_instance " + cfg.BFDs[0].Name +
				" is up: for who tracks it, it is down; a BFD_CHECK leaves its server in, with alpha out"})
	}
	if r.Director == "proxy" {
		r.Children = append(r.Children, parent.Proxy)
	}
	// It says what the others do: alone it would have nothing to say.
	told := *cfg // which a plan compares as it was written
	told.Global.SNMP.Options(q.SNMP, "")
	if out := build.FromOutlet(&told); out.Needed() && len(r.Children) > 0 {
		r.Children = append(r.Children, parent.Outlet)
	}
	return r
}

// nameProcesses gives each process the name that it is told to have, by child's
// name, and "" for the parent.
func nameProcesses(names map[string]string, g *conf.Global) {
	if g.ProcessNames {
		maps.Copy(names, map[string]string{
			"": "keepalived", parent.VRRP: "keepalived_vrrp", parent.Checker: "keepalived_ipvs",
			parent.BFD: "keepalived_bfd",
		})
	}
	for name, title := range map[string]string{
		"": g.ProcessName, parent.VRRP: g.VRRPProcess.Name, parent.Checker: g.CheckerProcess.Name,
		parent.BFD: g.BFDProcess.Name,
	} {
		if title != "" {
			names[name] = title
		}
	}
}

func reportVRRP(r *parent.Report, cfg *conf.Config) {
	r.Instances = len(cfg.Instances)
	for _, v := range cfg.Instances {
		for _, list := range [][]conf.Address{v.Addresses, v.Excluded} {
			r.AddressesIn += len(list)
			for i := 0; i < len(list) && len(r.Addresses) < parent.MaxAddresses; i++ {
				r.Addresses = append(r.Addresses, list[i].Prefix.String())
			}
		}
	}
}

func (n *next) reportServices(r *parent.Report) {
	r.Services, r.Servers = len(n.cfg.VirtualServers)+n.services, n.realServers()
	if r.Services > 0 {
		r.Director = director(n.cfg.Global.Director, n.cfg.Global.NetNamespaceIPVS)
	}
}

// realServers counts them.
func (n *next) realServers() int {
	count := n.servers
	for _, v := range n.cfg.VirtualServers {
		count += len(v.Servers)
	}
	return count
}

// director decides what lvs_director auto means here: IPVS where the kernel
// has it or a network namespace was named for it, the embedded proxy elsewhere.
func director(word, namespace string) string {
	if word != "auto" && word != "" {
		return word
	}
	if namespace != "" {
		return "ipvs"
	}
	d, err := ipvs.Open(nil, nil, nil)
	if err != nil {
		return "proxy"
	}
	_ = d.Close(context.Background(), true) // keeps what there is
	return "ipvs"
}

func script(g *conf.Global, c *conf.Command) *parent.Script {
	if c == nil {
		return nil
	}
	s := &parent.Script{Argv: c.Argv, User: c.User, Group: c.Group, Secure: g.ScriptSecurity, Timeout: g.StartupTimeout}
	if c == g.ShutdownScript {
		s.Timeout = g.ShutdownTimeout
	}
	return s
}

// placed is what is wrong, with its place if it has one.
func placed(d *diag.Diagnostic) string {
	if d.Span.File == "" || d.Span.Line == 0 {
		return d.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", d.Span.File, d.Span.Line, d.Span.Col, d.Message)
}

// problems turns diagnostics into what the control API tells.
func problems(found diag.List) []api.Problem {
	n := min(len(found), parent.MaxProblems)
	out := make([]api.Problem, 0, n)
	for i := range found[:n] {
		d := found[i]
		p := api.Problem{
			ID: d.ID, Severity: d.Severity.String(), File: d.Span.File, Line: d.Span.Line, Column: d.Span.Col,
		}
		d.ID, d.Span.File = "", "" // they stand beside the message
		p.Message = strings.TrimPrefix(d.String(), p.Severity+": ")
		out = append(out, p)
	}
	return out
}
