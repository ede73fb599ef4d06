package netns_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// checked is a virtual server with a real server 192.0.2.21 of its own port.
func checked(port int, protocol, checker string) string {
	return fmt.Sprintf(`virtual_server 192.0.2.100 %[1]d {
    delay_loop 1
    lb_algo rr
    lb_kind NAT
    protocol %[2]s
    alpha
    real_server 192.0.2.21 %[1]d {
        weight 1
        %[3]s
    }
}
`, port, protocol, checker)
}

// brief makes a checker impatient.
func brief(kind, more string) string {
	return kind + " {\n            connect_timeout 1\n            retry 1\n            delay_before_retry 1\n            warmup 0\n            " + more + "\n        }"
}

// answerDatagrams answers what answer does not take for nothing, until the
// socket is closed.
func answerDatagrams(t *testing.T, n *lab.Node, port int, answer func([]byte) []byte) func() {
	t.Helper()
	c, err := n.ListenPacket("udp", fmt.Sprintf("192.0.2.21:%d", port))
	Must(t, err)
	var ended sync.WaitGroup
	ended.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = c.WriteTo(answer(buf[:n]), from)
		}
	})
	end := sync.OnceFunc(func() { _ = c.Close(); ended.Wait() })
	t.Cleanup(end)
	return end
}

// nameServer answers every question for an address.
func nameServer(query []byte) []byte {
	if len(query) < 12 {
		return nil
	}
	head := string(query[:2]) + "\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"
	return []byte(head + string(query[12:]) + "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04\xc0\x00\x02\x01")
}

func mailServer(t *testing.T, n *lab.Node) func() {
	t.Helper()
	l, err := n.Listen("tcp", "192.0.2.21:25")
	Must(t, err)
	var ended sync.WaitGroup
	ended.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			ended.Go(func() { greet(c) })
		}
	})
	end := sync.OnceFunc(func() { _ = l.Close(); ended.Wait() })
	t.Cleanup(end)
	return end
}

func greet(c net.Conn) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	for _, a := range []string{"220-mx\r\n220 mx\r\n", "250 mx\r\n", "221 bye\r\n"} {
		if _, err := io.WriteString(c, a); err != nil {
			return
		}
		if _, err := in.ReadString('\n'); err != nil {
			return
		}
	}
}

// Every checker that speaks a protocol of its own takes its server in, and out
// again with the reason when the server dies.
func TestCheckersOfProtocols(t *testing.T) {
	l := New(t)
	s := Node(t, l, "s1", "192.0.2.21/24")
	ends := []func(){
		answerDatagrams(t, s, 53, nameServer),
		answerDatagrams(t, s, 7, func(b []byte) []byte { return b }),
		mailServer(t, s),
	}
	file := l.Path("number")
	Must(t, os.WriteFile(file, []byte("2\n"), 0o644))
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config("global_defs {\n    lvs_director none\n}",
		"track_file load {\n    file "+file+"\n}",
		checked(53, "UDP", brief("DNS_CHECK", "type A\n            name example.org")),
		checked(7, "UDP", brief("UDP_CHECK", "payload 4142\n            require_reply 4142")),
		checked(25, "TCP", brief("SMTP_CHECK", "helo_name check.example")),
		checked(80, "TCP", brief("PING_CHECK", "")),
		checked(81, "TCP", "FILE_CHECK {\n            track_file load\n        }")))

	const vs = "192.0.2.100"
	for port, kind := range map[string]string{"udp:53": "DNS_CHECK", "udp:7": "UDP_CHECK", "tcp:25": "SMTP_CHECK", "tcp:80": "PING_CHECK", "tcp:81": "FILE_CHECK"} {
		WaitLog(t, a, fmt.Sprintf("Adding service [192.0.2.21]:%s to VS [%s]:%s: %s succeeded", port, vs, port, kind), 1)
	}
	WaitLog(t, a, "Changing weight from 1 to 3 for inactive service [192.0.2.21]:tcp:81", 1)

	for _, end := range ends {
		end()
	}
	Must(t, os.WriteFile(file+".new", []byte("-2147483648"), 0o644))
	Must(t, os.Rename(file+".new", file))
	for port, why := range map[string]string{
		"udp:53": "DNS_CHECK port unreachable (2 of 2 tries)",
		"udp:7":  "UDP_CHECK port unreachable (2 of 2 tries)",
		"tcp:25": "SMTP_CHECK connection refused (2 of 2 tries)",
		"tcp:81": "FILE_CHECK tracked file load holds -2147483648, which makes -2147483648",
	} {
		WaitLog(t, a, fmt.Sprintf("Removing service [192.0.2.21]:%s from VS [%s]:%s: %s", port, vs, port, why), 1)
	}
	Must(t, s.DelAddress("eth0", "192.0.2.21/24"))
	WaitLog(t, a, fmt.Sprintf("Removing service [192.0.2.21]:tcp:80 from VS [%s]:tcp:80: PING_CHECK", vs), 1)
	Must(t, s.AddAddress("eth0", "192.0.2.21/24"))
	WaitLog(t, a, fmt.Sprintf("Adding service [192.0.2.21]:tcp:80 to VS [%s]:tcp:80: PING_CHECK succeeded", vs), 2)
	answerDatagrams(t, s, 53, nameServer)
	WaitLog(t, a, fmt.Sprintf("Adding service [192.0.2.21]:udp:53 to VS [%s]:udp:53: DNS_CHECK succeeded", vs), 2)
	if log := a.Log(); strings.Contains(log, "panic") {
		t.Error(log)
	}
}
