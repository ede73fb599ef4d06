package plan

import "strings"

// words of verdicts in a plan's text.
var words = [...]string{"kept", "changed in place", "restarted", "added", "removed"}

// Text is a plan in words: what changes, object by object, and what does not
// in a line at the end.
func (p *Plan) Text() string {
	var b strings.Builder
	for i := range p.Objects {
		p.Objects[i].text(&b, "")
	}
	if !p.Changes() {
		b.WriteString("nothing changes\n")
	}
	if k := kinds(p.Objects, Kept); k != "" {
		b.WriteString("kept: " + k + "\n")
	}
	return b.String()
}

const indent = "    "

func (o *Object) text(b *strings.Builder, at string) {
	if o.Verdict == Kept && !changes(o.Parts) {
		return
	}
	b.WriteString(at + o.Kind)
	if o.Name != "" {
		b.WriteString(" " + o.Name)
	}
	b.WriteString(": " + words[o.Verdict])
	if o.Why != "" {
		b.WriteString("; " + o.Why)
	}
	b.WriteByte('\n')
	for i := range o.Changes {
		o.Changes[i].text(b, at+indent)
	}
	for i := range o.Parts {
		o.Parts[i].text(b, at+indent)
	}
}

func (c *Change) text(b *strings.Builder, at string) {
	for _, l := range c.Removed {
		b.WriteString(at + c.Keyword + ": " + l + " goes\n")
	}
	for _, l := range c.Added {
		b.WriteString(at + c.Keyword + ": " + l + " comes\n")
	}
	switch {
	case c.Reordered:
		b.WriteString(at + c.Keyword + ": another order\n")
	case len(c.Removed)+len(c.Added) > 0:
	case c.Old == "" && c.New == "":
		b.WriteString(at + c.Keyword + ": another one\n")
	default:
		b.WriteString(at + c.Keyword + ": " + or(c.Old, "none") + " -> " + or(c.New, "none") + "\n")
	}
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}
