package wire

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
)

func TestProxyHeader(t *testing.T) {
	const signature = "0d0a0d0a000d0a515549540a"
	for _, c := range []struct {
		version   uint8
		datagrams bool
		from, to  string
		want      string // text, or hexadecimal
	}{
		{1, false, "192.168.0.1:56324", "192.168.0.11:443", "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"},
		{1, false, "[2001:db8::1]:1", "[2001:db8::2]:65535", "PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"},
		{1, false, "[::ffff:192.0.2.1]:9", "192.0.2.2:80", "PROXY TCP4 192.0.2.1 192.0.2.2 9 80\r\n"},
		{1, false, "192.0.2.1:9", "[2001:db8::2]:80", "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 9 80\r\n"},
		{2, false, "192.0.2.1:4660", "192.0.2.2:80", signature + "2111000c" + "c0000201" + "c0000202" + "1234" + "0050"},
		{2, true, "192.0.2.1:4660", "192.0.2.2:80", signature + "2112000c" + "c0000201" + "c0000202" + "1234" + "0050"},
		{2, false, "[2001:db8::1]:4660", "[2001:db8::2]:80", signature + "21210024" +
			"20010db8000000000000000000000001" + "20010db8000000000000000000000002" + "1234" + "0050"},
	} {
		want := []byte(c.want)
		if c.version == 2 {
			want, _ = hex.DecodeString(c.want)
		}
		got := AppendProxyHeader(nil, c.version, c.datagrams, netip.MustParseAddrPort(c.from), netip.MustParseAddrPort(c.to))
		if !bytes.Equal(got, want) {
			t.Errorf("version %d of %s to %s: %q, want %q", c.version, c.from, c.to, got, want)
		}
	}
	long := netip.MustParseAddrPort("[" + strings.Repeat("ffff:", 7) + "ffff]:65535")
	if got := AppendProxyHeader(nil, 1, false, long, long); len(got) > MaxProxyHeader {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
