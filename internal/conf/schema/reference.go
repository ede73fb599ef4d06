package schema

import (
	"sort"
	"strings"
)

// Reference prints a table as Markdown: every block with its keywords, and an
// index at the end.
func Reference[T any](root *Block[T]) string {
	var b strings.Builder
	seen := map[*Block[T]]bool{}
	where := map[string][]string{}
	section(&b, root, seen, where)
	b.WriteString("## Index\n\n")
	names := make([]string, 0, len(where))
	for n := range where {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		b.WriteString("- `" + n + "`: " + strings.Join(where[n], ", ") + "\n")
	}
	return b.String()
}

// section prints b and the blocks below it.
func section[T any](out *strings.Builder, b *Block[T], seen map[*Block[T]]bool, where map[string][]string) {
	seen[b] = true
	title := b.Name
	if title == "" {
		title = "The file"
	}
	out.WriteString("## " + title + "\n\n")
	if b.Line != nil {
		var form strings.Builder
		writeArgs(&form, b.LineArgs)
		out.WriteString("One a line: `" + strings.TrimSpace(form.String()) + "`\n\n")
	}
	for r := range b.Rows() {
		out.WriteString("- `" + usage(r) + "`")
		writeBounds(out, r.Args)
		out.WriteString("  \n  " + r.Doc)
		for _, n := range r.notes() {
			out.WriteString(" *" + n + "*")
		}
		out.WriteString("\n")
		where[r.Name] = append(where[r.Name], "["+title+"](#"+anchor(title)+")")
	}
	if len(b.Parts) > 0 {
		out.WriteString("\n")
	}
	for r := range b.Rows() {
		if sub := r.Block; sub != nil && !seen[sub] {
			section(out, sub, seen, where)
		}
	}
}

// notes are what a reader should know of a row besides its sentence.
func (r *Row[T]) notes() []string {
	var n []string
	if r.Own {
		n = append(n, "holdfast's own.")
	}
	if r.Since != "" {
		n = append(n, "Since keepalived "+r.Since+".")
	}
	if r.Deprecated != "" {
		n = append(n, "Deprecated, use "+r.Deprecated+".")
	}
	if r.Unbuilt {
		n = append(n, "No effect yet.")
	}
	return n
}

// writeBounds prints the ranges of numbers.
func writeBounds(out *strings.Builder, args []Arg) {
	for i := range args {
		if a := &args[i]; a.Kind == Number || a.Kind == Seconds {
			out.WriteString(" (" + strings.TrimPrefix(a.Expected(), "a ") + ")")
		}
	}
}

// anchor is how GitHub names a heading.
func anchor(title string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == ' ':
			return '-'
		case c == '>':
			return -1
		}
		return c
	}, strings.ToLower(title))
}

// usage is a row's form: keyword and values.
func usage[T any](r *Row[T]) string {
	var b strings.Builder
	b.WriteString(r.Name)
	writeArgs(&b, r.Args)
	if r.Block != nil {
		b.WriteString(" { … }")
	}
	return b.String()
}

func writeArgs(b *strings.Builder, args []Arg) {
	for i := range args {
		a := &args[i]
		b.WriteByte(' ')
		if a.Optional {
			b.WriteByte('[')
		}
		b.WriteString(a.label())
		if a.Optional {
			b.WriteByte(']')
		}
	}
}

func (a *Arg) label() string {
	if a.Label != "" {
		return a.Label
	}
	switch a.Kind {
	case Number:
		return "NUMBER"
	case Seconds:
		return "SECONDS"
	case Bool:
		return "on|off"
	case Address:
		return "ADDRESS"
	case Prefix:
		return "ADDRESS[/LENGTH]"
	case Interface:
		return "INTERFACE"
	case Name:
		return "NAME"
	case Path:
		return "PATH"
	case Enum:
		return strings.Join(a.Words, "|")
	case Script:
		return "COMMAND [USER [GROUP]]"
	case Words:
		return "WORD…"
	}
	return "TEXT"
}
