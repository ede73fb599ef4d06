package udp

import (
	"bytes"
	"context"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/probetest"
)

func ask(t *testing.T, c Config) probe.Result {
	t.Helper()
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p.Probe(context.Background())
}

var want = Config{Require: true, Reply: []byte{0x41, 0x42, 0x30}, Mask: []byte{0xff, 0xff, 0xf0}, Min: 2, Max: 4}

func TestBadServers(t *testing.T) {
	probetest.Datagrams(t, func(to probe.Endpoint) probe.Result {
		c := want
		c.To = to
		return ask(t, c)
	})
}

func TestReplies(t *testing.T) {
	for answer, detail := range map[string]string{
		"AB":    "", // shorter than what it is compared with
		"AB1":   "",
		"AB9x":  "",
		"ABC":   "reply data mismatch at byte 3: 0x43, expected 0x3x",
		"BB1":   "reply data mismatch at byte 1: 0x42, expected 0x41",
		"A":     "reply of 1 bytes, expected 2 or more",
		"AB1xx": "reply of more than 4 bytes",
	} {
		got := make(chan []byte, 1)
		c := want
		c.Payload = []byte("ping")
		c.To = probetest.ServeDatagrams(t, func(b []byte, reply func([]byte)) {
			got <- bytes.Clone(b)
			reply([]byte(answer))
		})
		if r := ask(t, c); r.OK != (detail == "") || r.Detail != detail {
			t.Errorf("%q: got %+v, want %q", answer, r, detail)
		}
		if b := <-got; string(b) != "ping" {
			t.Errorf("sent %q", b)
		}
	}
}

// Without require_reply a server that says nothing is well, and one whose
// machine says that nobody listens is not.
func TestSilenceIsGoodNews(t *testing.T) {
	got := make(chan int, 1)
	c := Config{To: probetest.ServeDatagrams(t, func(b []byte, _ func([]byte)) { got <- len(b) })}
	c.To.Timeout = probetest.Short
	if r := ask(t, c); !r.OK {
		t.Errorf("got %+v", r)
	}
	if n := <-got; n != defaultLen {
		t.Errorf("sent %d bytes", n)
	}
	c.To = probetest.ServeDatagrams(t, func(_ []byte, reply func([]byte)) { reply(make([]byte, 1000)) })
	if r := ask(t, c); !r.OK {
		t.Errorf("with an answer that nobody asked for: %+v", r)
	}
	c.To.Addr = probetest.Unheard(t)
	if r := ask(t, c); r.OK || r.Reason != probe.Refused || r.Detail != "port unreachable" {
		t.Errorf("got %+v", r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p, _ := New(c)
	if r := p.Probe(ctx); r.OK {
		t.Errorf("cancelled: %+v", r)
	}
}

func TestMaskFits(t *testing.T) {
	if _, err := New(Config{Reply: []byte{1}}); err == nil {
		t.Error("a reply without a mask is taken")
	}
}

func FuzzReply(f *testing.F) {
	f.Add([]byte("AB1"), []byte{0x41}, []byte{0xff}, 0, 255)
	f.Fuzz(func(t *testing.T, b, reply, mask []byte, least, most int) {
		n := min(len(reply), len(mask))
		c := Config{Require: true, Reply: reply[:n], Mask: mask[:n], Min: least, Max: most}
		r := c.judge(b)
		if r.OK && (len(b) < least || len(b) > most) {
			t.Errorf("%d bytes are taken, of %d to %d", len(b), least, most)
		}
		if r.OK == (r.Detail != "") {
			t.Errorf("%+v", r)
		}
	})
}
