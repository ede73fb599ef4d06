package conf

import (
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf/pattern"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// regexOptions are the words that regex_options takes (keepalived.conf(5)).
var regexOptions = []string{
	"allow_empty_class", "alt_bsux", "auto_callout", "caseless",
	"dollar_endonly", "dotall", "dupnames", "extended", "firstline", "match_unset_backref", "multiline",
	"never_ucp", "never_utf", "no_auto_capture", "no_auto_possess", "no_dotstar_anchor",
	"no_start_optimize", "ucp", "ungreedy", "utf", "never_backslash_c", "alt_circumflex",
	"alt_verbnames", "use_offset_limit",
}

// maxOffset bounds where in a page a match may have to begin, in bytes.
const maxOffset = 1 << 30

// setRegexOptions keeps the words that are known; keepalived passes over the
// others without a word.
func setRegexOptions(l *loader, s *stmt) {
	for _, w := range s.Words() {
		if !slices.Contains(regexOptions, w.Text) {
			s.Fault("HF011", diag.Warning, w, "regex_options "+strconv.Quote(w.Text)+" is not known, it is ignored", "caseless, dotall, extended, firstline, multiline")
			continue
		}
		l.url.RegexOptions = append(l.url.RegexOptions, w.Text)
	}
}

// matchable drops a regex that is none, as keepalived does, so that the rest of
// the url is checked.
func (l *loader) matchable() {
	u := l.url
	if u.Regex == "" {
		return
	}
	name := u.Regex + "\x00" + strings.Join(u.RegexOptions, " ")
	err, known := l.regexes[name]
	if !known {
		_, err = pattern.Pattern{Regex: u.Regex, Options: u.RegexOptions}.Compile()
		if l.regexes == nil {
			l.regexes = map[string]error{}
		}
		l.regexes[name] = err // many servers have the same
	}
	if err != nil {
		l.warn("HF011", l.regexWord, "regex "+strconv.Quote(u.Regex)+" is not valid, it is ignored: "+err.Error(), "")
		u.Regex = ""
	}
}

// offset is a byte's place in a page. What is no number is passed over, as
// keepalived does.
type offset func(*loader) *int

// Keep stores it.
func (f offset) Keep(l *loader, s *stmt) {
	if !s.Has(0) {
		return
	}
	n, err := strconv.ParseUint(s.Text(), 10, 31)
	if err != nil || n > maxOffset {
		s.Fault("HF011", diag.Warning, s.Words()[0], s.Keyword().Text+" "+strconv.Quote(s.Text())+" is not valid, it is ignored", "a number of bytes up to "+strconv.Itoa(maxOffset))
		return
	}
	*f(l) = int(n)
}
