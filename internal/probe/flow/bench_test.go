package flow

import (
	"net"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/probe"
)

// BenchmarkConnect is a TCP_CHECK over loopback; the server's share, accepting
// and closing, is in it.
func BenchmarkConnect(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	e, err := New[int]()
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	to := probe.Endpoint{Addr: l.Addr().(*net.TCPAddr).AddrPort()}
	b.ReportAllocs()
	for b.Loop() {
		e.Start(0, 0, &to, nil, false)
		for e.Running() > 0 {
			e.Ready(0)
		}
		for _, o := range e.Done() {
			if !o.Result.OK {
				b.Fatalf("%+v", o.Result)
			}
		}
	}
}
