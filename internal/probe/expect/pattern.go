package expect

import (
	"bytes"
	"encoding/hex"
	"regexp"
	"strings"
)

// Pattern is one thing that may come. Exactly one of Bytes and Regex is set.
type Pattern struct {
	Bytes []byte
	Mask  []byte // which bits of Bytes count; empty = all; else as long as Bytes
	// First: it must be the first that comes, so that another answer fails at
	// once; else it may stand anywhere.
	First bool
	Regex *regexp.Regexp
}

// maxHopes bounds the patterns that a failure names, of one step.
const maxHopes = 3

// hope says what a step waits for; nothing if for nothing.
func (s *Step) hope() string {
	if s.Hope != "" {
		return s.Hope
	}
	var words []string
	for i := range s.Want[:min(len(s.Want), maxHopes)] {
		words = append(words, s.Want[i].String())
	}
	return strings.Join(words, " or ")
}

// String writes a pattern as a failure tells of it.
func (p *Pattern) String() string {
	switch {
	case p.Regex != nil:
		return "what matches " + shown([]byte(p.Regex.String()))
	case len(p.Mask) == 0:
		return shown(p.Bytes)
	}
	digits := []byte(hex.EncodeToString(p.Bytes[:min(len(p.Bytes), maxShown)]))
	for i := range digits {
		if p.Mask[i/2]>>(4*(1-i%2))&0xf == 0 {
			digits[i] = 'x'
		}
	}
	return string(digits) + " in hexadecimal"
}

// find looks for the pattern that comes first in got and returns where it
// ends, -1 for none yet; never says that none can come any more.
func find(want []Pattern, got []byte) (end int, never bool) {
	never, begin := true, len(got)+1
	end = -1
	for i := range want {
		from, to, open := want[i].find(got)
		if from >= 0 && from < begin {
			begin, end = from, to
		}
		never = never && !open
	}
	return end, never && end < 0
}

// find returns where it stands, -1 if it does not; open says that it may
// still come.
func (p *Pattern) find(got []byte) (from, to int, open bool) {
	switch {
	case p.Regex != nil:
		if at := p.Regex.FindIndex(got); at != nil {
			return at[0], at[1], true
		}
		return -1, -1, true
	case p.First:
		n := min(len(got), len(p.Bytes))
		same := p.same(got[:n])
		if same && n == len(p.Bytes) {
			return 0, n, true
		}
		return -1, -1, same
	case len(p.Mask) == 0:
		if i := bytes.Index(got, p.Bytes); i >= 0 {
			return i, i + len(p.Bytes), true
		}
		return -1, -1, true
	}
	for i := 0; i+len(p.Bytes) <= len(got); i++ {
		if p.same(got[i : i+len(p.Bytes)]) {
			return i, i + len(p.Bytes), true
		}
	}
	return -1, -1, true
}

// same compares the beginning of the pattern, as far as b goes.
func (p *Pattern) same(b []byte) bool {
	for i, c := range b {
		mask := byte(0xff)
		if len(p.Mask) > 0 {
			mask = p.Mask[i]
		}
		if (c^p.Bytes[i])&mask != 0 {
			return false
		}
	}
	return true
}
