package netns_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// witness is a server that answers a line with who it thinks its client is,
// and that line.
func witness(t *testing.T, n *lab.Node) {
	t.Helper()
	l, err := n.Listen("tcp", ":80")
	Must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				b := make([]byte, 1000)
				n, _ := c.Read(b)
				host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
				_, _ = fmt.Fprintf(c, "%s %s", host, b[:n])
			}()
		}
	}()
}

// said is what the witness behind the virtual server says.
func said(n *lab.Node) string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := n.DialContext(ctx, "tcp", Virtual+":80")
	if err != nil {
		return err.Error()
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = io.WriteString(c, "hello")
	b, err := io.ReadAll(c)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// The server knows its client: by the PROXY protocol, then, after a reload, by
// the address itself. For that the answers must come back through the
// director, and be its own there.
func TestServerKnowsItsClient(t *testing.T) {
	l := New(t)
	server, client, a := Node(t, l, "s1", "192.0.2.21/24"), Node(t, l, "client", "192.0.2.50/24"), Node(t, l, "a", "192.0.2.11/24")
	witness(t, server)
	text := func(more string) string {
		return config(proxy, Instance{Priority: 100}, `
virtual_server `+Virtual+` 80 {
    protocol TCP
    `+more+`
    real_server 192.0.2.21 80 {
    }
}`)
	}
	d := Start(t, a, Holdfast(), text("proxy_protocol v1"))
	Wait(t, "the header comes first", func() bool {
		return strings.HasPrefix(said(client), "192.0.2.11 PROXY TCP4 192.0.2.50 "+Virtual+" ")
	})

	for _, line := range []struct {
		on   *lab.Node
		args string
	}{
		{server, "route add 192.0.2.50 via 192.0.2.11"},
		{a, "rule add from 192.0.2.21 ipproto tcp sport 80 lookup 100"},
		{a, "route add local default dev lo table 100"},
	} {
		_, err := line.on.Run("ip", strings.Fields(line.args)...)
		Must(t, err)
	}
	Must(t, d.Configure(text("proxy_source client")))
	Must(t, d.Reload())
	Wait(t, "the client's own address", func() bool { return said(client) == "192.0.2.50 hello" })
}
