package smtp

import (
	"bufio"
	"errors"
	"strconv"
	"strings"
)

const (
	// maxLine is the longest line of a reply, in octets. RFC 5321 §4.5.3.1.5
	// has 512; some servers write more.
	maxLine = 2048
	// maxLines is how many lines a reply may have.
	maxLines = 128
	// maxText is how much of a reply's text is told, in octets.
	maxText = 80
)

// reply is a server's answer (RFC 5321 §4.2).
type reply struct {
	code int    // 200 to 599
	text string // of the last line, fit to be printed
}

func (r reply) String() string {
	if r.text == "" {
		return strconv.Itoa(r.code)
	}
	return strconv.Itoa(r.code) + " " + r.text
}

// malformed is an answer that is no reply.
type malformed string

func (m malformed) Error() string { return string(m) }

// read reads a reply of one line or several.
func read(from *bufio.Reader) (reply, error) {
	first := 0
	for range maxLines {
		line, err := from.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return reply{}, malformed("line of more than " + strconv.Itoa(maxLine) + " octets")
		case err != nil:
			return reply{}, err
		}
		r, more, ok := parse(strings.TrimRight(string(line), "\r\n"))
		if !ok || first != 0 && r.code != first {
			return reply{}, malformed("no SMTP reply")
		}
		if !more {
			return r, nil
		}
		first = r.code
	}
	return reply{}, malformed("reply of more than " + strconv.Itoa(maxLines) + " lines")
}

// parse reads one line: a code, then nothing, or a space or hyphen and text.
// A hyphen says that more lines follow.
func parse(line string) (r reply, more, ok bool) {
	if len(line) < 3 || line[0] < '2' || line[0] > '5' {
		return r, false, false
	}
	for _, c := range line[:3] {
		if c < '0' || c > '9' {
			return r, false, false
		}
		r.code = r.code*10 + int(c-'0')
	}
	if len(line) == 3 {
		return r, false, true
	}
	if line[3] != ' ' && line[3] != '-' {
		return r, false, false
	}
	r.text = printable(line[4:])
	return r, line[3] == '-', true
}

// printable is the beginning of a text, as far as it may go into a log.
func printable(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f {
			return '?'
		}
		return c
	}, strings.TrimSpace(s[:min(len(s), maxText)]))
	return s
}
