package conf

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestExpectCheck(t *testing.T) {
	c, found := checkers(t, `EXPECT_CHECK {
 send "EHLO a\x22\r\n"
 expect "250 \\"
 send_hex 00 ff
 expect_hex 0x 41
 expect_hex 41
 expect_regex "^a.b$"
 }`)
	want := []ExpectStep{
		{Send: "EHLO a\"\r\n"}, {Want: `250 \`}, {Send: "\x00\xff"}, {Want: "\x00A", Mask: "\xf0\xff"}, {Want: "A"}, {Regex: "^a.b$"},
	}
	if len(c) != 1 || !slices.Equal(c[0].Expect.Steps, want) {
		t.Errorf("got %+v, %v", c[0].Expect, found)
	}
	for text, complaint := range map[string]string{
		"":                                           "nothing to send or expect",
		"service oracle":                             "nothing to send or expect",
		"send \"a\\q\"\n expect b":                   "is not valid",
		"send \"a\\x4\"\n expect b":                  "is not valid",
		"expect_regex \"([\"\n expect b":             "is not valid",
		"send_hex zz\n expect b":                     "is not hexadecimal",
		strings.Repeat("expect b\n", maxSteps+1):     "more than 64 steps",
		"send \"\"\n expect b":                       "nothing in it",
		"service redis\n tls_expiry_warn 0\n tls":    "tls_expiry_warn",
		"service redis\n rise 0":                     "rise",
		"service redis\n fall -1\n retry 2\n tls on": "fall",
	} {
		_, found := checkers(t, "EXPECT_CHECK {\n "+text+"\n}")
		if len(found) == 0 || !strings.Contains(found[0].Message, complaint) {
			t.Errorf("%q: %v", text, found)
		}
	}
}

// What is printed is read again as the same bytes.
func TestEscapes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		if got, ok := unescape(Escape(b)); !ok || got != b {
			t.Errorf("%q becomes %q, and that %q", b, Escape(b), got)
		}
	})
}
