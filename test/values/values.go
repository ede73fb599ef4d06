// Package values compares what a configuration comes to here with what
// keepalived says of itself when it is asked on SIGUSR1. It reads keepalived's
// answer (this file), and says the same of a conf.Config (vrrp.go, lvs.go).
// The tests beside it ask about VRRP, those of test/uml about virtual servers,
// which takes a kernel that has them.
package values

import (
	"fmt"
	"slices"
	"strings"
)

// Object is something that has a name and values: an instance, a real server.
type Object struct {
	Kind, Name string
	Fields     []Field
}

// Field is a value, with the lines below it.
type Field struct {
	Label  string
	Values []string
}

func (o *Object) add(label string, values ...string) {
	o.Fields = append(o.Fields, Field{label, values})
}

// Parse reads a dump: objects begin at an indent of one, " Kind = name", their
// fields two further in, and what belongs to a field further still. A section
// ("---< … >---") is an object without a name, and its lines without a label.
func Parse(dump string) []Object {
	var all []Object
	for _, line := range strings.Split(dump, "\n") {
		text := strings.TrimLeft(line, " ")
		indent := len(line) - len(text)
		last := len(all) - 1
		switch {
		case text == "":
		case indent == 0:
			all = append(all, Object{Kind: strings.Trim(text, "-<> ")})
		case indent == 1:
			kind, name, _ := strings.Cut(text, " = ")
			all = append(all, Object{Kind: kind, Name: name})
		case last < 0:
		case indent > 3 && len(all[last].Fields) == 0:
			all[last].Fields = []Field{{Values: []string{text}}}
		case indent == 3:
			label, value, ok := strings.Cut(text, " = ")
			f := Field{Label: strings.TrimRight(label, " :")}
			if ok {
				f.Values = []string{value}
			}
			all[last].Fields = append(all[last].Fields, f)
		case len(all[last].Fields) > 0:
			f := &all[last].Fields[len(all[last].Fields)-1]
			f.Values = append(f.Values, text)
		}
	}
	return all
}

// Compare holds objects of the same kind and name against each other and
// returns the differences. What is in unseen has no counterpart here; anything
// else that theirs has and ours lacks is a difference, so nothing escapes.
func Compare(ours, theirs []Object, unseen []string) []string {
	var out []string
	kinds := map[string]bool{}
	for _, o := range ours {
		kinds[o.Kind] = true
		i := slices.IndexFunc(theirs, func(t Object) bool { return t.Kind == o.Kind && t.Name == o.Name })
		if i < 0 {
			out = append(out, fmt.Sprintf("%s %s: only here", o.Kind, o.Name))
			continue
		}
		out = append(out, o.against(theirs[i], unseen)...)
	}
	for _, t := range theirs {
		if kinds[t.Kind] && !slices.ContainsFunc(ours, func(o Object) bool { return t.Kind == o.Kind && t.Name == o.Name }) {
			out = append(out, fmt.Sprintf("%s %s: only there", t.Kind, t.Name))
		}
	}
	return out
}

func (o *Object) against(t Object, unseen []string) []string {
	var out []string
	say := func(label string, ours, theirs any) {
		out = append(out, fmt.Sprintf("%s %s: %s: %v here, %v there", o.Kind, o.Name, label, ours, theirs))
	}
	for _, f := range o.Fields {
		theirs := t.find(f.Label)
		switch {
		case theirs == nil:
			say(f.Label, f.Values, "nothing")
		case !slices.Equal(f.Values, theirs.Values):
			say(f.Label, f.Values, theirs.Values)
		}
	}
	for _, f := range t.Fields {
		if o.find(f.Label) == nil && !slices.ContainsFunc(unseen, func(u string) bool { return strings.HasPrefix(f.Label, u) }) {
			say(f.Label, "nothing", f.Values)
		}
	}
	return out
}

func (o *Object) find(label string) *Field {
	for i := range o.Fields {
		if o.Fields[i].Label == label {
			return &o.Fields[i]
		}
	}
	return nil
}
