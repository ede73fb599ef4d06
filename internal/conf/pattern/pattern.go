// Package pattern is the regex of a url: what it and its options mean, and
// whether a page matches. The configuration's reader tries whether it is valid,
// checks use it.
package pattern

import (
	"bytes"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// matchTimeout bounds a regular expression that only a backtracking engine
// can match.
const matchTimeout = 100 * time.Millisecond

// Pattern is a regular expression as PCRE2 has it. Names in brackets are the
// keywords of keepalived.conf(5).
type Pattern struct {
	Regex   string   // [regex]
	Options []string // [regex_options], as PCRE2 names them
	// A match must begin at the byte From or later [regex_min_offset], and
	// before the byte Before, the one after [regex_max_offset]; 0 = anywhere.
	From, Before int
}

// Compile takes Go's engine where it can, since that never runs wild, and one
// that knows all of Perl's syntax else. Options that choose among several
// matches, or that make PCRE2 faster or stricter, change nothing here.
func (p Pattern) Compile() (func([]byte) bool, error) {
	has := func(o string) bool { return slices.Contains(p.Options, o) }
	placed := p.From > 0 || p.Before > 0 || has("firstline")
	if !placed && !has("extended") {
		if re, err := regexp.Compile(goFlags(has) + p.Regex); err == nil {
			return re.Match, nil
		}
	}
	text := p.Regex
	if !has("utf") {
		text = string(bytewise([]byte(text)))
	}
	re, err := regexp2.Compile(text, perlFlags(has))
	if err != nil {
		return nil, err
	}
	re.MatchTimeout = matchTimeout
	m := perl{re: re, utf: has("utf"), firstLine: has("firstline"), from: p.From, before: p.Before}
	return m.match, nil
}

// goFlags writes options as Go's engine takes them.
func goFlags(has func(string) bool) string {
	flags := ""
	for _, o := range []struct{ name, flag string }{{"caseless", "i"}, {"dotall", "s"}, {"multiline", "m"}} {
		if has(o.name) {
			flags += o.flag
		}
	}
	if flags != "" {
		return "(?" + flags + ")"
	}
	return ""
}

func perlFlags(has func(string) bool) (flags regexp2.RegexOptions) {
	for _, o := range []struct {
		name string
		flag regexp2.RegexOptions
	}{
		{"caseless", regexp2.IgnoreCase}, {"dotall", regexp2.Singleline}, {"multiline", regexp2.Multiline},
		{"extended", regexp2.IgnorePatternWhitespace}, {"no_auto_capture", regexp2.ExplicitCapture},
	} {
		if has(o.name) {
			flags |= o.flag
		}
	}
	return flags
}

// perl is a pattern for the engine that backtracks. Without utf a character is
// a byte, as for PCRE2.
type perl struct {
	re             *regexp2.Regexp
	utf, firstLine bool
	from, before   int // bytes; before 0: anywhere
}

func (p *perl) match(body []byte) bool {
	from, to := p.from, len(body)
	if p.before > 0 {
		to = min(to, p.before-1)
	}
	if end := bytes.IndexByte(body, '\n'); p.firstLine && end >= 0 {
		to = min(to, end)
	}
	if from > to {
		return false
	}
	var text []rune
	if p.utf {
		text = bytes.Runes(body)
		from, to = utf8.RuneCount(body[:from]), utf8.RuneCount(body[:to])
	} else {
		text = bytewise(body)
	}
	m, err := p.re.FindRunesMatchStartingAt(text, from)
	return err == nil && m != nil && m.Index <= to
}

// bytewise makes each byte a character of its own.
func bytewise(b []byte) []rune {
	r := make([]rune, len(b))
	for i, c := range b {
		r[i] = rune(c)
	}
	return r
}
