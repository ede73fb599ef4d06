package expand

import (
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// sequence is ~SEQ or ~LST in front of a line: the rest of the line comes
// again and again with other values of some variables.
type sequence struct {
	names []string
	rest  Line
	at    Place
	// ~SEQ
	value, step, end int64
	base             int
	// ~LST
	list [][]string
	i    int
}

// next sets the variables and gives the rest of the line.
func (q *sequence) next(l *Lines) (Line, bool) {
	if q.list != nil {
		if q.i >= len(q.list) {
			return Line{}, false
		}
		for i, n := range q.names {
			v := ""
			if i < len(q.list[q.i]) {
				v = q.list[q.i][i]
			}
			l.set(n, v, q.at)
		}
		q.i++
		return q.rest, l.spend(turnFee+len(q.rest.Text), q.at)
	}
	if q.step > 0 && q.value > q.end || q.step < 0 && q.value < q.end {
		return Line{}, false
	}
	l.set(q.names[0], strconv.FormatInt(q.value, q.base), q.at)
	q.value += q.step
	return q.rest, l.spend(turnFee+len(q.rest.Text), q.at)
}

// repeat reads from a sequence if line begins with one.
func (l *Lines) repeat(line Line) bool {
	if line.Text == "" || line.Text[0] != '~' {
		return false
	}
	var q *sequence
	var wrong string
	switch s := line.Text; {
	case strings.HasPrefix(s, "~SEQ"), strings.HasPrefix(s, "~LST"):
		open := strings.IndexByte(s, '(')
		if open < 0 || strings.Trim(s[4:open], " \tx") != "" {
			return false
		}
		end := strings.IndexByte(s, ')')
		if end < 0 {
			wrong = "a ) after the values"
			break
		}
		args, ok := l.arguments(line, open+1, end)
		if !ok {
			return true
		}
		if s[1] == 'S' {
			q, wrong = newSequence(args, strings.ContainsRune(s[4:open], 'x'))
		} else {
			q, wrong = newList(args)
		}
		if q != nil {
			q.rest, q.at = line.cut(end+1).trim().own(), line.At(0)
			l.push(q, q.at)
			return true
		}
	default:
		return false
	}
	l.tell(line.At(0), len(line.Text), diag.Diagnostic{ID: "HF011", Severity: diag.Error,
		Message: "the sequence makes no sense, the line is ignored", Expected: wrong})
	return true
}

// arguments is what stands between the brackets, definitions put in.
func (l *Lines) arguments(line Line, from, to int) (string, bool) {
	inner := line.cut(from)
	inner.Text = inner.Text[:to-from]
	var b builder
	if changed, ok := l.splice(&b, inner, 0, false); !changed || !ok {
		return inner.Text, ok
	}
	return string(b.text), true
}

// newSequence reads VAR, [START,] [STEP,] END.
func newSequence(args string, hex bool) (*sequence, string) {
	const want = "~SEQ(VAR, [START, [STEP,]] END) with whole numbers and a step that leads to the end"
	fields := strings.Split(args, ",")
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	if len(fields) < 2 || len(fields) > 4 || nameEnd(fields[0]) != len(fields[0]) || fields[0] == "" {
		return nil, want
	}
	var numbers [3]int64
	for i, f := range fields[1:] {
		n, err := strconv.ParseInt(f, 0, 32)
		if err != nil {
			return nil, want
		}
		numbers[i] = n
	}
	q := &sequence{names: fields[:1], base: 10}
	if hex {
		q.base = 16
	}
	switch len(fields) {
	case 2:
		q.end = numbers[0]
		q.value = 1
		if q.end < 0 {
			q.value = -1
		}
	case 3:
		q.value, q.end = numbers[0], numbers[1]
	case 4:
		q.value, q.step, q.end = numbers[0], numbers[1], numbers[2]
	}
	if len(fields) < 4 {
		q.step = 1
		if q.end < q.value {
			q.step = -1
		}
	}
	if hex && (q.value < 0 || q.end < 0) || q.step == 0 || q.step > 0 && q.end < q.value || q.step < 0 && q.end > q.value {
		return nil, want
	}
	return q, ""
}

// newList reads VAR, VALUE, … or {VAR, …}, {VALUE, …}, ….
func newList(args string) (*sequence, string) {
	const want = "~LST(VAR, VALUE, …) or ~LST({VAR, …}, {VALUE, …}, …)"
	var groups [][]string
	for rest := strings.TrimSpace(args); ; {
		var group []string
		if strings.HasPrefix(rest, "{") {
			inner, after, ok := strings.Cut(rest[1:], "}")
			if !ok {
				return nil, want
			}
			for _, f := range strings.Split(inner, ",") {
				group = append(group, strings.TrimSpace(f))
			}
			rest = strings.TrimSpace(after)
			if rest != "" && rest[0] != ',' {
				return nil, want
			}
			groups = append(groups, group)
			if rest == "" {
				break
			}
			rest = strings.TrimSpace(rest[1:])
			continue
		}
		f, after, more := strings.Cut(rest, ",")
		f = strings.TrimSpace(f)
		if strings.ContainsAny(f, " \t") {
			return nil, want
		}
		groups = append(groups, []string{f})
		if !more {
			break
		}
		rest = strings.TrimSpace(after)
	}
	if len(groups) < 2 {
		return nil, want
	}
	for _, n := range groups[0] {
		if n == "" || nameEnd(n) != len(n) {
			return nil, want
		}
	}
	return &sequence{names: groups[0], list: groups[1:]}, ""
}
