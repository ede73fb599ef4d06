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

// Lines is the same with a line for each object that does not stay as it was,
// its changes behind it, as a log wants it; left counts those beyond limit.
func (p *Plan) Lines(limit int) (lines []string, left int) {
	lines = []string{}
	add := func(l string) {
		if len(lines) < limit {
			lines = append(lines, l)
		} else {
			left++
		}
	}
	for i := range p.Objects {
		p.Objects[i].lines("", add)
	}
	return lines, left
}

func (o *Object) lines(within string, add func(string)) {
	if o.Verdict != Kept {
		said := []string{within + o.head()}
		for i := range o.Changes {
			said = append(said, o.Changes[i].words()...)
		}
		add(strings.Join(said, "; "))
	}
	if o.Verdict == Added || o.Verdict == Removed {
		return // its parts with it
	}
	for i := range o.Parts {
		o.Parts[i].lines(within+o.title()+", ", add)
	}
}

const indent = "    "

func (o *Object) text(b *strings.Builder, at string) {
	if o.Verdict == Kept && !changes(o.Parts) {
		return
	}
	b.WriteString(at + o.head() + "\n")
	for i := range o.Changes {
		for _, w := range o.Changes[i].words() {
			b.WriteString(at + indent + w + "\n")
		}
	}
	for i := range o.Parts {
		o.Parts[i].text(b, at+indent)
	}
}

func (o *Object) title() string {
	if o.Name == "" {
		return o.Kind
	}
	return o.Kind + " " + o.Name
}

func (o *Object) head() string {
	h := o.title() + ": " + words[o.Verdict]
	if o.Why != "" {
		h += "; " + o.Why
	}
	return h
}

// words are a change in words, a list's line by line.
func (c *Change) words() (out []string) {
	for _, l := range c.Removed {
		out = append(out, c.Keyword+": "+l+" goes")
	}
	for _, l := range c.Added {
		out = append(out, c.Keyword+": "+l+" comes")
	}
	switch {
	case c.Reordered:
		out = append(out, c.Keyword+": another order")
	case len(out) > 0:
	case c.Old == "" && c.New == "":
		out = append(out, c.Keyword+": another one")
	default:
		out = append(out, c.Keyword+": "+or(c.Old, "none")+" -> "+or(c.New, "none"))
	}
	return out
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}
