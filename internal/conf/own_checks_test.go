package conf

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/diag"
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

// rise and fall are inherited as retry is; of retry and fall the one that is
// said further in counts.
func TestRiseAndFallAreInherited(t *testing.T) {
	const text = `virtual_server 10.0.0.1 80 {
 protocol TCP
 lb_algo rr
 lb_kind NAT
 rise 2
 fall 4
 real_server 10.0.0.2 80 {
  TCP_CHECK {
  }
  HTTP_GET {
   retry 7
   rise 5
   url {
    path /
   }
  }
 }
 real_server 10.0.0.3 80 {
  retry 9
  TCP_CHECK {
  }
  TCP_CHECK {
   fall 1
  }
 }
 real_server 10.0.0.4 80 {
  fall 6
  TCP_CHECK {
  }
 }
}
`
	c, found := load(t, text)
	if n := found.Count(diag.Error); n > 0 {
		t.Fatal(ids(found, diag.Error))
	}
	var got []string
	for _, rs := range c.VirtualServers[0].Servers {
		for _, k := range rs.Checkers {
			got = append(got, fmt.Sprint(k.Rise, k.Fall, k.Retry))
		}
	}
	want := []string{"2 4 1", "5 0 7", "2 0 9", "2 1 9", "2 6 1"}
	if !slices.Equal(got, want) {
		t.Errorf("rise, fall and retry are %q, want %q", got, want)
	}
}
