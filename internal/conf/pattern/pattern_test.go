package pattern

import (
	"strings"
	"testing"
)

// The manual of keepalived.conf(5) refers to pcre2api(3), whose words these
// are.
func TestPatterns(t *testing.T) {
	const body = "alpha beta\nGamma end\n"
	for _, c := range []struct {
		regex, options string
		from, before   int
		body           string
		want           bool
	}{
		{regex: "beta", want: true},
		{regex: "gamma"},
		{regex: "gamma", options: "caseless", want: true},
		{regex: "beta$"},
		{regex: "beta$", options: "multiline", want: true},
		{regex: "alpha.beta.Gamma"},
		{regex: "alpha.beta.Gamma", options: "dotall", want: true},
		{regex: "al pha", options: "extended", want: true},
		{regex: "al pha"},
		{regex: "Gamma", options: "firstline"},
		{regex: "beta", options: "firstline", want: true},
		{regex: "beta", from: 6, want: true},
		{regex: "beta", from: 7},
		{regex: "beta", from: 500},
		{regex: "beta", before: 7, want: true},
		{regex: "beta", before: 6},
		{regex: "^beta", from: 6},
		{regex: "(?<=alpha )beta", from: 6, want: true},
		{regex: "GAMMA", options: "caseless multiline ungreedy", from: 4, before: 12, want: true},
		{regex: "GAMMA", options: "caseless multiline ungreedy", from: 4, before: 11},
		{regex: "x..x", body: "xéx", options: "extended", want: true}, // characters are bytes
		{regex: "x.x", body: "xéx", options: "extended utf", want: true},
		{regex: "y", body: "éy", from: 2, want: true},
		{regex: "y", body: "éy", options: "utf", from: 2, want: true},
		{regex: "y", body: "éy", options: "utf", from: 3},
	} {
		match, err := Pattern{Regex: c.regex, Options: strings.Fields(c.options), From: c.from, Before: c.before}.Compile()
		if err != nil {
			t.Fatal(err)
		}
		text := c.body
		if text == "" {
			text = body
		}
		if got := match([]byte(text)); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
