package values

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/dump"
)

// UnseenLVS are fields of state rather than of configuration, of what
// conf.Config does not keep, and of what real servers only hand on to their
// checkers, where it is compared.
var UnseenLVS = []string{
	"alive", "quorum_state_up", "reloaded", "Using smtp notification", "Warmup", "Retry count", "Retry delay", "------<",
	"connection timeout", "Delay loop", "initial weight", "effective weight", "previous effective_weight", "num failed", "RS set",
	"Enabled", "Up", "Has run", "Current weight", "Retries iterations", "Default delay before retry", "Last ran", "Last status",
	"Type", "Name", "helo", "Payload specified", "Require reply",
}

var (
	stamp    = regexp.MustCompile(`(?m)^\w+ \w+ +\d+ [\d:]+ \d+: `)
	realLine = regexp.MustCompile(`(?m)^   RIP = (\S+), RPORT = (\d+), WEIGHT = (\d+) EFF WEIGHT = \d+$`)
	pair     = regexp.MustCompile(`(?m)^ (\[.*\]:\S* -> \S+)$`)
	state    = regexp.MustCompile(`(?m)^     (Alive: |reloaded = ).*\n`)
	families = regexp.MustCompile(`(?m)^( Virtual Server Group = .*), IPv4 = .*$`)
	deeper   = regexp.MustCompile(`(?m)^ {4,5}(VirtualHost|RS \w+ notify)`)
)

// ParseLVS reads a dump of the checkers' part, as logged with -d: real servers
// and checkers become objects.
func ParseLVS(log string) []Object {
	text := stamp.ReplaceAllString(log, "")
	_, text, _ = strings.Cut(text, "------< Global definitions >------")
	text = realLine.ReplaceAllString(text, " RS = [$1]:$2\n   WEIGHT = $3")
	text = pair.ReplaceAllString(text, " Checker = $1")
	text = state.ReplaceAllString(text, "")
	text = families.ReplaceAllString(text, "$1")
	text = deeper.ReplaceAllString(text, "   $1")
	return numbered(Parse(text))
}

// numbered tells objects of the same name, and fields of the same label, apart
// by the order in which they come.
func numbered(all []Object) []Object {
	seen := map[string]int{}
	for i := range all {
		o := &all[i]
		key := o.Kind + "\n" + o.Name
		if seen[key]++; seen[key] > 1 {
			o.Name += fmt.Sprintf(" #%d", seen[key])
		}
		labels := map[string]int{}
		for j := range o.Fields {
			f := &o.Fields[j]
			if labels[f.Label]++; labels[f.Label] > 1 {
				f.Label += fmt.Sprintf(" #%d", labels[f.Label])
			}
		}
	}
	return all
}

// LVS says of a configuration what keepalived does of its virtual servers: it
// is what our own keepalived_check.data says, read in the same way.
func LVS(c *conf.Config) []Object {
	_, text, _ := strings.Cut(string(dump.Check(c, nil, &dump.Options{IDs: numbers})), "------< LVS Topology")
	return ParseLVS("------< Global definitions >------\n------< LVS Topology" + text)
}
