package http

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf/pattern"
)

// Want says which answers are good. Names in brackets are the keywords of
// keepalived.conf(5).
type Want struct {
	Status  []Range  // [status_code]; none = 200 to 299
	Digest  string   // MD5 of the body in hex, lower case [digest]; empty = any
	Regex   string   // must match the body [regex]; empty = any
	NoMatch bool     // must not match [regex_no_match]
	Options []string // [regex_options], as PCRE2 names them
	// A match must begin at the byte From or later [regex_min_offset], and
	// before the byte Before, the one after [regex_max_offset]; 0 = anywhere.
	From, Before int
}

// Range is a range of status codes, both ends included.
type Range struct{ From, To int }

// DefaultStatus are the status codes that are good unless others are named.
var DefaultStatus = []Range{{200, 299}}

// expected is Want, ready to use.
type expected struct {
	status []Range
	digest string
	match  func([]byte) bool // nil = any body
	wish   string            // what a body that does not match does, in words
}

func (w Want) compile() (*expected, error) {
	e := &expected{status: w.Status, digest: strings.ToLower(w.Digest)}
	if len(e.status) == 0 {
		e.status = DefaultStatus
	}
	if w.Regex == "" {
		return e, nil
	}
	match, err := pattern.Pattern{Regex: w.Regex, Options: w.Options, From: w.From, Before: w.Before}.Compile()
	if err != nil {
		return nil, fmt.Errorf("regex %q: %w", w.Regex, err)
	}
	e.match = func(body []byte) bool { return match(body) != w.NoMatch }
	e.wish = fmt.Sprintf("body does not match regex %q", beginning(w.Regex))
	if w.NoMatch {
		e.wish = fmt.Sprintf("body matches regex %q, which regex_no_match forbids", beginning(w.Regex))
	}
	return e, nil
}

// beginning is as much of a pattern as a log line needs.
func beginning(regex string) string {
	const most = 60
	if len(regex) > most {
		return regex[:most] + "…"
	}
	return regex
}

func (e *expected) statusOK(code int) bool {
	for _, r := range e.status {
		if r.From <= code && code <= r.To {
			return true
		}
	}
	return false
}

// statusWords writes what was expected: "200-299 503".
func (e *expected) statusWords() string {
	var words []string
	for _, r := range e.status {
		w := strconv.Itoa(r.From)
		if r.To != r.From {
			w += "-" + strconv.Itoa(r.To)
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}
