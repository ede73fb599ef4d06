package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/http"
	"github.com/holdfast-ha/holdfast/internal/probe/secure"
)

const hashUsage = `Usage: holdfast hash -s ADDRESS -p PORT -u PATH [OPTION…]

Prints the digest of a page, as an HTTP_GET's digest wants it. The same as
genhash and keepalived --genhash, but that a page which cannot be had is
told on stderr, with the reason, and makes the exit code 1.

  -s, --server=ADDRESS       the server's IP address
  -p, --port=PORT            its port
  -u, --url=PATH             the page
  -S, --use-ssl              over TLS
  -I, --use-sni              send the virtual host's name in the handshake
  -V, --use-virtualhost=HOST the Host to ask for; the address by default
  -P, --protocol=VERSION     1.0 (default), 1.0c (with Connection: close), 1.1
  -t, --timeout=SECONDS      how long to wait; 5 by default
  -m, --fwmark=MARK          the mark of the packets
  -v, --verbose              show the whole answer
  -h, --help                 print this
`

// maxHashTimeout bounds -t, in seconds.
const maxHashTimeout = 3600

// hash is `holdfast hash`, genhash and --genhash.
func hash(t terminal, args []string) int {
	set := newOptions(t, "hash")
	var (
		server, version string
		port, seconds   int
		c               http.Config
		overTLS, sni    bool
		verbose, help   bool
	)
	set.StringVarP(&server, "server", "s", "", "")
	set.IntVarP(&port, "port", "p", 0, "")
	set.StringVarP(&c.Path, "url", "u", "", "")
	set.BoolVarP(&overTLS, "use-ssl", "S", false, "")
	set.BoolVarP(&sni, "use-sni", "I", false, "")
	set.StringVarP(&c.Host, "use-virtualhost", "V", "", "")
	set.StringVarP(&version, "protocol", "P", "1.0", "")
	set.IntVarP(&seconds, "timeout", "t", int(probe.DefaultTimeout/time.Second), "")
	set.Uint32VarP(&c.To.Mark, "fwmark", "m", 0, "")
	set.BoolVarP(&verbose, "verbose", "v", false, "")
	set.BoolVarP(&help, "help", "h", false, "")
	if code, done := parse(t, set, args, &help, hashUsage); done {
		return min(code, 1)
	}
	addr, err := netip.ParseAddr(server)
	switch {
	case server == "" || c.Path == "" || !set.Changed("port"):
		return hashMistake(t, "an address, a port and a path are needed")
	case set.NArg() > 0:
		return hashMistake(t, "unexpected argument %s", set.Arg(0))
	case err != nil:
		return hashMistake(t, "server should be an IP address, not %s", server)
	case port < 1 || port > 65535:
		return hashMistake(t, "invalid port number '%d'", port)
	case version != "1.0" && version != "1.0c" && version != "1.0C" && version != "1.1":
		return hashMistake(t, "invalid HTTP protocol version '%s'", version)
	case seconds < 1 || seconds > maxHashTimeout:
		return hashMistake(t, "invalid timeout '%d'", seconds)
	}
	c.To.Addr, c.To.Timeout, c.Protocol = netip.AddrPortFrom(addr, uint16(port)), time.Duration(seconds)*time.Second, version // 16 bits, as seen above
	if overTLS {
		c.TLS = &secure.Config{}
		if sni {
			c.TLS.Name = hostOf(c.Host)
		}
	}
	return printHash(t, c, verbose, set)
}

func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

func hashMistake(t terminal, format string, args ...any) int {
	fmt.Fprintf(t.err, "holdfast hash: "+format+"\n\n%s", append(args, hashUsage)...)
	return 1
}

func printHash(t terminal, c http.Config, verbose bool, set *pflag.FlagSet) int {
	begun := time.Now()
	page, err := http.Hash(context.Background(), c)
	took := time.Since(begun)
	if err != nil {
		fmt.Fprintf(t.err, "holdfast %s: no page from %s: %v\n", set.Name(), c.To.Addr, err)
		return 1
	}
	digest := hex.EncodeToString(page.Digest[:])
	if !verbose {
		fmt.Fprintln(t.out, digest)
		return 0
	}
	var b bytes.Buffer
	title(&b, "    HTTP Header Buffer    ")
	hexDump(&b, page.Header)
	title(&b, " HTTP Header Ascii Buffer ")
	fmt.Fprintf(&b, "%s\n", page.Header)
	title(&b, "        HTML Buffer        ")
	hexDump(&b, page.Body)
	b.WriteByte('\n')
	title(&b, "    HTML hash resulting    ")
	hexDump(&b, page.Digest[:])
	title(&b, " HTML hash final resulting ")
	fmt.Fprintf(&b, "%s\n\nGlobal response time for [%s] = %d usecs\n", digest, c.Path, took.Microseconds())
	_, _ = t.out.Write(b.Bytes())
	return 0
}

func title(w io.Writer, text string) {
	const line = "-----------------------"
	fmt.Fprintf(w, "%s[%s]%s\n", line, text, line)
}

// hexDump writes bytes as genhash does, sixteen a line.
func hexDump(w io.Writer, b []byte) {
	const width = 16
	for at := 0; at < len(b); at += width {
		row := b[at:min(at+width, len(b))]
		var text [width]byte
		line := []byte(fmt.Sprintf("%04d  ", at))
		for i := range width {
			if i == width/2 {
				line = append(line, "- "...)
			}
			if i >= len(row) {
				line = append(line, "   "...)
				text[i] = ' '
				continue
			}
			line = append(line, hex.EncodeToString(row[i:i+1])+" "...)
			if text[i] = '.'; strconv.IsPrint(rune(row[i])) && row[i] < 0x7f {
				text[i] = row[i]
			}
		}
		fmt.Fprintf(w, "%s  %s\n", line, text[:])
	}
}
