// Package lint has the rules that know the subject: what keepalived accepts
// without a word and an operator would still want to be told, in one
// configuration (Run) or in those of all nodes held against each other
// (Cluster).
//
// Every rule is a row of a table with an id, an explanation and a function.
// What is wrong with the text itself is conf's to say; printing is diag's.
// A new rule is a row, a function and an example in testdata; docs/lints.md
// is made of these.
package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// Rule is one thing that is looked for.
type Rule struct {
	// ID is stable: from HF101 for one configuration, from HF151 for several.
	ID string
	// Severity is what a finding has, unless it is a milder case of the rule.
	Severity diag.Severity
	// Title says on one line what is looked for.
	Title string
	// Explanation says what happens, and what to do; lines of text.
	Explanation string

	file   func(s *subject, say sayer)       // looks at one configuration
	router func(v *virtualRouter, say sayer) // at one virtual router in all of them
	nodes  func(c *cluster, say sayer)       // at all configurations
}

// Options are what findings depend on besides the configuration.
type Options struct {
	// Files has the text that the configuration was loaded from, for places,
	// lines of source and silencing comments; nil: findings stand at their
	// block and none is silenced.
	Files source.Files
	// System has the facts about the machine, as for conf.Load; nil: rules
	// that need it say nothing.
	System conf.System
	// TLS reads files of the machine; nil: nothing is said of them.
	TLS TLSFiles
}

// subject is what a rule looks at.
type subject struct {
	*conf.Config
	system    conf.System
	tls       TLSFiles
	scripts   map[string]*conf.VRRPScript
	instances map[string]*conf.VRRPInstance
	groups    map[string]*conf.ServerGroup
	groupOf   map[string]*conf.SyncGroup // by the name of a member
}

func newSubject(c *conf.Config, system conf.System) *subject {
	s := &subject{
		Config: c, system: system,
		scripts:   make(map[string]*conf.VRRPScript, len(c.Scripts)),
		instances: make(map[string]*conf.VRRPInstance, len(c.Instances)),
		groups:    make(map[string]*conf.ServerGroup, len(c.ServerGroups)),
		groupOf:   map[string]*conf.SyncGroup{},
	}
	for _, d := range c.Scripts {
		s.scripts[d.Name] = d
	}
	for _, i := range c.Instances {
		s.instances[i.Name] = i
	}
	for _, g := range c.ServerGroups {
		s.groups[g.Name] = g
	}
	for _, g := range c.Groups {
		for _, name := range g.Members {
			s.groupOf[name] = g
		}
	}
	return s
}

// finding is what a rule says: where, and what.
type finding struct {
	pos conf.Pos
	// keyword moves the place to that keyword's line in the block at pos.
	keyword                       string
	message, expected, suggestion string
	mild                          bool // a warning where the rule has errors
}

type sayer func(f finding)

// Run looks at one configuration. What it finds is in the order of the text;
// what a comment silences is left out.
func Run(c *conf.Config, opt Options) diag.List {
	r := reporter{text: newText(opt.Files)}
	s := newSubject(c, opt.System)
	s.tls = opt.TLS
	table := rules()
	for i := range table {
		if f := table[i].file; f != nil {
			r.rule = &table[i]
			f(s, r.say)
		}
	}
	return r.done()
}

// Explain says more about the id of a rule: its title and its explanation.
func Explain(id string) (string, bool) {
	if r := ruleOf(id); r != nil {
		return r.Title + ".\n" + r.Explanation, true
	}
	return "", false
}

// Rules is the table, in the order of the ids.
func Rules() []Rule { return rules() }

func ruleOf(id string) *Rule {
	table := rules()
	i := slices.IndexFunc(table, func(r Rule) bool { return strings.EqualFold(r.ID, id) })
	if i < 0 {
		return nil
	}
	return &table[i]
}

// reporter turns findings into diagnostics.
type reporter struct {
	text  *text
	rule  *Rule
	found diag.List

	of   *Rule // of the last finding
	said int   // findings of that rule
}

// maxFindings bounds what one rule says of one configuration: who reads
// beyond that has understood.
const maxFindings = 100

func (r *reporter) say(f finding) {
	if r.of != r.rule {
		r.tellRest()
		r.of, r.said = r.rule, 0
	}
	if r.said++; r.said > maxFindings {
		return
	}
	d := diag.Diagnostic{
		ID: r.rule.ID, Severity: r.rule.Severity,
		Message: f.message, Expected: f.expected, Suggestion: f.suggestion,
	}
	if f.mild {
		d.Severity = min(d.Severity, diag.Warning)
	}
	d.Span, d.Source = r.text.place(f.pos, f.keyword)
	r.found.Add(d)
}

// tellRest appends to the last finding of a rule how many more there are.
func (r *reporter) tellRest() {
	if rest := r.said - maxFindings; rest > 0 {
		r.found[len(r.found)-1].Message += fmt.Sprintf(" (and %d more like this)", rest)
	}
}

func (r *reporter) done() diag.List {
	r.tellRest()
	kept := r.text.silence(r.found)
	kept.InOrder()
	return kept
}
