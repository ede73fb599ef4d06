package schema

import "strings"

// usage is a row's form: keyword and values.
func usage[T any](r *Row[T]) string {
	var b strings.Builder
	b.WriteString(r.Name)
	writeArgs(&b, r.Args)
	if r.Block != nil {
		if r.Bare {
			b.WriteString(" [{ … }]")
		} else {
			b.WriteString(" { … }")
		}
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
