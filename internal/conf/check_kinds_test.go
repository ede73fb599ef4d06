package conf

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

func checkers(t *testing.T, text string) ([]*Checker, diag.List) {
	t.Helper()
	cfg, found := load(t, put(probeServer, "", text))
	if len(cfg.VirtualServers) != 1 {
		t.Fatalf("%d virtual servers: %v", len(cfg.VirtualServers), found)
	}
	return cfg.VirtualServers[0].Servers[0].Checkers, found
}

func TestHexadecimal(t *testing.T) {
	for text, want := range map[string]string{
		"Ab12f 3 456 546443123": "ab120f034506546443" + "1203/ffffffffffffffffffffff",
		"":                      "/",
		"4X":                    "40/f0",
		"xA x":                  "0a00/0ff0",
		"41 42":                 "4142/ffff",
	} {
		v, m, ok := hexadecimal(text, true)
		if got := fmt.Sprintf("%x/%x", v, m); !ok || got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"4X", "0x41", "gg", "4-", "é"} {
		if _, _, ok := hexadecimal(text, false); ok {
			t.Errorf("%q is taken for hexadecimal", text)
		}
	}
}

func TestUDPCheck(t *testing.T) {
	c, _ := checkers(t, "UDP_CHECK {\n payload \"41 4\"\n require_reply 4x\n min_reply_length 2\n}\nUDP_CHECK {\n require_reply\n payload zz\n max_reply_length 9\n}\nUDP_CHECK {\n}")
	if len(c) != 3 {
		t.Fatalf("%d checkers", len(c))
	}
	if u := *c[0].UDP; u != (UDPCheck{Payload: "\x41\x04", RequireReply: true, Reply: "\x40", Mask: "\xf0", MinReply: 2, MaxReply: 255}) {
		t.Errorf("%+v", u)
	}
	if u := *c[1].UDP; u != (UDPCheck{RequireReply: true, MaxReply: 9}) {
		t.Errorf("%+v", u)
	}
	if u := *c[2].UDP; u != (UDPCheck{MaxReply: 255}) {
		t.Errorf("%+v", u)
	}
}

// Host blocks are checkers of their own; the one around them is one only if it
// says itself whom to ask.
func TestHostsOfSMTP(t *testing.T) {
	c, _ := checkers(t, "SMTP_CHECK {\n host {\n connect_port 25\n retry 7\n }\n host {\n connect_ip 10.0.0.7\n }\n helo_name me\n retry 2\n delay_before_retry 3\n}")
	var got []string
	for _, c := range c {
		got = append(got, fmt.Sprint(c.ConnectIP, c.ConnectPort, c.Retry, c.DelayBeforeRetry == 3*time.Second, c.SMTP.Helo))
	}
	if s := strings.Join(got, "; "); s != "10.1.0.2 25 7 trueme; 10.0.0.7 80 2 trueme" {
		t.Error(s)
	}
	c, _ = checkers(t, "SMTP_CHECK {\n connect_timeout 2\n host {\n connect_port 25\n }\n}")
	if len(c) != 2 || c[0].ConnectPort != 80 || c[1].ConnectPort != 25 || c[1].ConnectTimeout != 2*time.Second {
		t.Errorf("%d checkers", len(c))
	}
}

// A regex that is none is told with its place, and the rest of the url stays;
// what only Perl's engine knows is one.
func TestRegexThatIsNone(t *testing.T) {
	c, found := checkers(t, "HTTP_GET {\n url {\n  path /a\n  regex (abc\n  status_code 204\n }\n url {\n  path /b\n  regex (?<=x)y\n }\n}")
	if len(c) != 1 || len(c[0].HTTP.URLs) != 2 {
		t.Fatalf("got %+v", c)
	}
	if u := c[0].HTTP.URLs; u[0].Regex != "" || len(u[0].Status) != 1 || u[1].Regex != "(?<=x)y" {
		t.Errorf("got %+v", u)
	}
	if said := ids(found, diag.Warning); !strings.Contains(said, `HF011 regex "(abc" is not valid, it is ignored: `) || strings.Contains(said, "(?<=") {
		t.Errorf("said %s", said)
	}
}

func TestServersThatWeighNothing(t *testing.T) {
	_, found := load(t, put(probeServer, "", "TCP_CHECK {\n}\n weight 0"))
	if said := ids(found, diag.Error); !strings.Contains(said, "HF040 quorum 1 cannot be had, for all servers have weight 0 and get no connections: taking 0") {
		t.Errorf("said %s", said)
	}
}
