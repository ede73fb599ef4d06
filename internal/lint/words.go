package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// seconds writes a duration as keepalived.conf has it, with its unit.
func seconds(d time.Duration) string {
	s := strconv.FormatFloat(d.Seconds(), 'f', 3, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") + " s"
}

// at is a place for a message that stands elsewhere.
func at(p conf.Pos) string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// serviceName is a virtual server as its keyword has it.
func serviceName(v *conf.VirtualServer) string {
	switch {
	case v.Group != "":
		return "virtual_server group " + v.Group
	case v.FWMark != 0:
		return fmt.Sprintf("virtual_server fwmark %d", v.FWMark)
	}
	return fmt.Sprintf("virtual_server %s %d", v.Addr, v.Port)
}

// serverName is a real server as its keyword has it.
func serverName(r *conf.RealServer) string {
	if r.Port == 0 {
		return "real_server " + r.Addr.String()
	}
	return fmt.Sprintf("real_server %s %d", r.Addr, r.Port)
}

// differ says in a clause how set b differs from set a; empty if it does not.
func differ[K comparable](a, b map[K]bool) string {
	only := func(in, notIn map[K]bool) []string {
		var names []string
		for k := range in {
			if !notIn[k] {
				names = append(names, fmt.Sprint(k))
			}
		}
		return names
	}
	return clauses(only(a, b), only(b, a))
}

// maxNamed is how many names of a difference a message has.
const maxNamed = 3

// clauses says what something lacks and what it has beside that.
func clauses(lacks, has []string) string {
	some := func(verb string, names []string) string {
		if len(names) == 0 {
			return ""
		}
		slices.Sort(names)
		more := ""
		if n := len(names) - maxNamed; n > 0 {
			names, more = names[:maxNamed], fmt.Sprintf(" and %d more", n)
		}
		return verb + " " + strings.Join(names, ", ") + more
	}
	l, h := some("lacks", lacks), some("also has", has)
	if l != "" && h != "" {
		l += " and "
	}
	return l + h
}

// or is a unless that is zero.
func or[T comparable](a, b T) T {
	var zero T
	if a == zero {
		return b
	}
	return a
}
