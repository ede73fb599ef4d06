package probetest

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/probe"
)

// Servers of protocols in which the server speaks first.
var badGreeters = []bad{
	{"never greets", hold, []probe.Reason{probe.Timeout}},
	{"greets a byte now and then", func(c *net.TCPConn) {
		for _, err := c.Write([]byte("2")); err == nil; _, err = c.Write([]byte("2")) {
			time.Sleep(timeout / 5)
		}
	}, []probe.Reason{probe.Timeout, probe.BadAnswer}},
	{"greets with garbage", func(c *net.TCPConn) {
		_, _ = c.Write([]byte("\x00\xff\xfe nothing\n\n\x80 that anybody\r\n\r\n would send"))
		hold(c)
	}, []probe.Reason{probe.BadAnswer}},
	{"greets without a line's end", func(c *net.TCPConn) { pour(c, "220 ", "x") }, []probe.Reason{probe.BadAnswer}},
	{"greets without end", func(c *net.TCPConn) { pour(c, "", "220-more\r\n") }, []probe.Reason{probe.BadAnswer}},
	{"greets with nothing but lines", func(c *net.TCPConn) { pour(c, "", "\n") }, []probe.Reason{probe.BadAnswer}},
	{"closes at once", func(*net.TCPConn) {}, []probe.Reason{probe.BadAnswer, probe.Reset}},
	{"closes within the greeting", func(c *net.TCPConn) { _, _ = c.Write([]byte("220 mx")) }, []probe.Reason{probe.BadAnswer}},
	{"resets at once", reset, []probe.Reason{probe.Reset}},
	{"greets and then says no more", func(c *net.TCPConn) {
		_, _ = c.Write([]byte("220 mx\r\n"))
		hold(c)
	}, []probe.Reason{probe.Timeout}},
}

func pour(c *net.TCPConn, first, then string) {
	b := bytes.Repeat([]byte(then), 4096/len(then))
	_, err := c.Write([]byte(first))
	for err == nil {
		_, err = c.Write(b)
	}
}

// Greeted runs an attempt that waits to be greeted against bad servers.
func Greeted(t *testing.T, attempt Attempt) {
	for _, b := range badGreeters {
		t.Run(b.name, func(t *testing.T) {
			defer NoLeaks(t)()
			to := Serve(t, b.serve)
			to.Timeout = b.timeout()
			expect(t, within(t, attempt, to), b.want...)
		})
	}
	reachable(t, attempt)
}
