package conf

import (
	"github.com/holdfast-ha/holdfast/internal/conf/expand"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// Options are what a configuration depends on besides its text.
type Options struct {
	// ConfigID is what @ID lines are compared with; empty: System's host name
	// up to the first dot.
	ConfigID string
	// Env looks up ${_ENV NAME}; nil: nothing is set.
	Env func(name string) string
	// Dir is the working directory, for ${_PWD} in a file with a relative name.
	Dir string
	// AllFiles: a file that is included and cannot be read is Fatal, unless
	// include_check says otherwise (-e).
	AllFiles bool
	// System has the facts about the machine; nil: none is known, and nothing
	// is said about missing interfaces, users and scripts.
	System System
	// Skip leaves out virtual servers with which nothing is wrong (package
	// delta), of a configuration that is only compared with another one.
	Skip func(name, text string) []expand.Hole
	// Seen, unless nil, is shown each virtual server that has been read, but for
	// those of groups. If it returns true the Config is without it: who wants to
	// know a few things of many servers needs not hold them all. It must not
	// keep the server, nor let one go that has commands.
	Seen func(v *VirtualServer) bool
}

// System answers questions about the machine that a configuration is for.
// The disk's and kernel's version is in package files.
type System interface {
	// HostName is the machine's name, with its domain if it has one.
	HostName() string
	// Interface reports whether a network interface of that name exists.
	Interface(name string) bool
	// User and Group report whether such an account exists, by name or number.
	User(name string) bool
	Group(name string) bool
	// Program looks at a script or program; a path without a slash is looked
	// up in PATH.
	Program(path string) Program
}

// Program says what a script's file is like.
type Program struct {
	Path       string // as found; empty: there is none
	Regular    bool   // a file, not a directory or a device
	Executable bool   // by somebody
	Shared     bool   // somebody other than root can change it or replace it
	Readable   bool   // its group or everybody can read it
}

// NewReader gives the statements that Load reads, for those who want the text
// as well.
func NewReader(files source.Files, name string, opts Options, report func(diag.Diagnostic)) *syntax.Reader {
	host := ""
	if opts.System != nil {
		host = opts.System.HostName()
	}
	return syntax.NewReader(files, name, expand.Options{ConfigID: opts.ConfigID, HostName: host, Env: opts.Env, Dir: opts.Dir, Strict: opts.AllFiles, Skip: opts.Skip}, report)
}

// Load reads the configuration called name. It always returns a Config, of
// what keepalived would run, and everything that is wrong with the text, in
// the order of the text. With a Fatal diagnostic the Config must not be run.
func Load(files source.Files, name string, opts Options) (*Config, diag.List) {
	var found diag.List
	var torn diag.Span // of the last quote that is not closed
	report := func(d diag.Diagnostic) {
		if d.ID == "HF004" {
			torn = d.Span
		}
		found.Add(d)
	}
	r := NewReader(files, name, opts, report)
	l := newLoader(r, files, opts.System, report)
	l.seen = opts.Seen
	l.walk.Torn = func(at diag.Span) bool { return at.File == torn.File && at.Line == torn.Line }
	for leaps := 0; ; {
		n, ok := r.Next()
		if !ok {
			break
		}
		if r.Leaps() > leaps { // of virtual servers
			leaps = r.Leaps()
			l.walk.Ended(serverBlock)
		}
		l.walk.Statement(n)
	}
	l.finish()
	found.InOrder()
	return l.cfg, found
}
