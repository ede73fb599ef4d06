package http

import (
	"bytes"
	"crypto/md5" // the digest of keepalived.conf(5)
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"

	"github.com/holdfast-ha/holdfast/internal/probe"
)

// Bounds of an answer in bytes.
const (
	// MaxHeader is the longest header that is read.
	MaxHeader = 64 << 10
	// MaxKept is how much of a body is looked at by a regular expression; it
	// is also how much is read of a body that only has to be there.
	MaxKept = 1 << 20
	// MaxDigested is the longest body that is digested. It is never stored.
	MaxDigested = 256 << 20
)

// answer judges an HTTP answer as its bytes come.
type answer struct {
	want   *expected
	head   []byte // what has come of the header, while it is not complete
	inBody bool
	length int64 // Content-Length, -1 = until the peer closes
	got    int64 // bytes of the body
	sum    hash.Hash
	kept   []byte
}

// feed takes the next bytes; done says that r is the result.
func (a *answer) feed(b []byte) (r probe.Result, done bool) {
	for !a.inBody {
		if len(b) == 0 {
			return r, false
		}
		if len(a.head) > 0 {
			b = append(a.head, b...)
		}
		n := headerEnd(b)
		if n < 0 {
			if len(b) > MaxHeader {
				return bad("header is longer than %d bytes", MaxHeader), true
			}
			a.head = append([]byte(nil), b...)
			return r, false
		}
		head := b[:n]
		b, a.head = b[n:], nil
		if r, done = a.header(head); done {
			return r, true
		}
	}
	return a.body(b)
}

// headerEnd returns where the body begins, -1 if that is not there yet.
func headerEnd(b []byte) int {
	crlf, lf := bytes.Index(b, []byte("\r\n\r\n")), bytes.Index(b, []byte("\n\n"))
	switch {
	case crlf >= 0 && (lf < 0 || crlf < lf):
		return crlf + 4
	case lf >= 0:
		return lf + 2
	}
	return -1
}

// header judges a complete header. One with status 1xx only announces another.
func (a *answer) header(h []byte) (r probe.Result, done bool) {
	status, ok := parseStatus(h)
	if !ok {
		return bad("answer is not HTTP: %s", firstLine(h)), true
	}
	if status/100 == 1 && status != 101 {
		return r, false
	}
	return a.begin(status, contentLength(h))
}

// begin judges the status, and waits for a body of so many bytes, -1 for as
// many as come.
func (a *answer) begin(status int, length int64) (r probe.Result, done bool) {
	if !a.want.statusOK(status) {
		return bad("HTTP status %d, expected %s", status, a.want.statusWords()), true
	}
	a.inBody, a.length = true, length
	if status == 204 || status == 304 {
		a.length = 0
	}
	if a.want.digest != "" {
		a.sum = md5.New() // see above
	}
	return r, false
}

func (a *answer) body(b []byte) (r probe.Result, done bool) {
	if a.length >= 0 {
		b = b[:min(int64(len(b)), a.length-a.got)]
	}
	a.got += int64(len(b))
	if a.sum != nil {
		a.sum.Write(b)
	}
	if a.want.match != nil {
		a.kept = append(a.kept, b[:min(len(b), MaxKept-len(a.kept))]...)
	}
	switch {
	case a.got == a.length:
		return a.end(), true
	case a.sum != nil && a.got > MaxDigested:
		return bad("body is longer than %d bytes", MaxDigested), true
	case a.sum == nil && a.got >= MaxKept:
		return a.end(), true
	}
	return r, false
}

// end judges what came until the end.
func (a *answer) end() probe.Result {
	switch {
	case !a.inBody && len(a.head) == 0:
		return bad("connection closed without an answer")
	case !a.inBody:
		if _, ok := parseStatus(a.head); !ok {
			return bad("answer is not HTTP: %s", firstLine(a.head))
		}
		return bad("connection closed within the header")
	case a.sum != nil:
		if got := hex.EncodeToString(a.sum.Sum(nil)); got != a.want.digest {
			return bad("MD5 digest %s, expected %s", got, a.want.digest)
		}
	}
	if a.want.match != nil && !a.want.match(a.kept) {
		return bad("%s", a.want.wish)
	}
	return probe.Result{OK: true, Reason: probe.OK}
}

func bad(format string, args ...any) probe.Result {
	return probe.Result{Reason: probe.BadAnswer, Detail: fmt.Sprintf(format, args...)}
}

// parseStatus reads "HTTP/1.1 200 …" (RFC 9112 §4).
func parseStatus(h []byte) (int, bool) {
	line, _, _ := bytes.Cut(h, []byte("\n"))
	version, rest, _ := bytes.Cut(line, []byte(" "))
	if !bytes.HasPrefix(version, []byte("HTTP/")) {
		return 0, false
	}
	rest = bytes.TrimLeft(rest, " ")
	if len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' && rest[3] != '\r' {
		return 0, false
	}
	code, err := strconv.Atoi(string(rest[:3]))
	return code, err == nil && code >= 100
}

// contentLength finds the length of the body, -1 if the header has none or
// the body comes in chunks, whose end we leave to the peer's closing.
func contentLength(h []byte) int64 {
	length := int64(-1)
	for line := range bytes.Lines(h) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		switch {
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return -1
		case bytes.EqualFold(name, []byte("Content-Length")):
			if n, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 62); err == nil {
				length = int64(n) // 62 bits
			}
		}
	}
	return length
}

// firstLine quotes the beginning of something foreign for a log line.
func firstLine(b []byte) string {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return strconv.Quote(string(line[:min(len(line), 40)]))
}
