package proxyd

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// Benchmarks measure the way through the balancer and, for comparison, the way
// without it.

func ways(b *testing.B, server lvs.ServerKey, run func(b *testing.B, address string)) {
	key := serviceAt(free(b, "tcp"), lvs.TCP)
	bal := NewBalancer(func(lvs.ServiceKey, slog.Level, string) {})
	defer bal.Close()
	apply1(b, bal, key, "wlc", weights{server: {Weight: 1}})
	b.Run("direct", func(b *testing.B) { run(b, netip.AddrPortFrom(server.Addr, server.Port).String()) })
	b.Run("balanced", func(b *testing.B) { run(b, netip.AddrPortFrom(key.Addr, key.Port).String()) })
}

// BenchmarkConnection is a connection with one question and one answer.
func BenchmarkConnection(b *testing.B) {
	ways(b, newBackend(b, "a").key, func(b *testing.B, address string) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				ask(b, address, 1)
			}
		})
	})
}

// BenchmarkRequest is one question and one answer on a connection that lasts.
func BenchmarkRequest(b *testing.B) {
	ways(b, newBackend(b, "a").key, func(b *testing.B, address string) { ask(b, address, b.N) })
}

func ask(b *testing.B, address string, times int) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	_ = c.(*net.TCPConn).SetLinger(0) // leave no port waiting
	r := bufio.NewReader(c)
	for range times {
		if _, err := fmt.Fprintln(c, "hello"); err != nil {
			b.Fatal(err)
		}
		if _, err := r.ReadSlice('\n'); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBulk is a stream from the server, 64 MiB at a time.
func BenchmarkBulk(b *testing.B) {
	const size = 64 << 20
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		piece := make([]byte, 1<<20)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			for range size / len(piece) {
				if _, err := c.Write(piece); err != nil {
					break
				}
			}
			_ = c.Close()
		}
	}()
	ways(b, serverAt(netip.MustParseAddrPort(l.Addr().String())), func(b *testing.B, address string) {
		b.SetBytes(size)
		for b.Loop() {
			c, err := net.Dial("tcp", address)
			if err != nil {
				b.Fatal(err)
			}
			n, err := io.Copy(io.Discard, onlyReader{c})
			if n != size || err != nil {
				b.Fatalf("%d bytes, %v", n, err)
			}
			_ = c.Close()
		}
	})
}

// onlyReader makes the client read with a buffer, as clients do.
type onlyReader struct{ io.Reader }
