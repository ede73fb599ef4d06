package dns

import (
	"context"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/probetest"
)

func ask(t *testing.T, to probe.Endpoint, kind, name string) probe.Result {
	t.Helper()
	p, err := New(Config{To: to, Type: kind, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return p.Probe(context.Background())
}

// answer is a well-behaved server's, to be spoilt.
func answer(query []byte, change func(*dnsmessage.Message)) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		return nil
	}
	m.Response, m.RecursionAvailable = true, true
	q := m.Questions[0]
	m.Answers = []dnsmessage.Resource{{
		Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
		Body:   &dnsmessage.UnknownResource{Type: q.Type, Data: []byte{192, 0, 2, 1}},
	}}
	if change != nil {
		change(&m)
	}
	b, _ := m.Pack()
	return b
}

func TestBadServers(t *testing.T) {
	probetest.Datagrams(t, func(to probe.Endpoint) probe.Result { return ask(t, to, "A", "example.org") })
}

func TestEveryTypeIsAsked(t *testing.T) {
	for kind, want := range types {
		got := make(chan dnsmessage.Question, 1)
		to := probetest.ServeDatagrams(t, func(b []byte, reply func([]byte)) {
			reply(answer(b, func(m *dnsmessage.Message) {
				if !m.RecursionDesired || len(m.Questions) != 1 {
					t.Errorf("%s: asked %+v", kind, m)
				}
				got <- m.Questions[0]
			}))
		})
		if r := ask(t, to, strings.ToLower(kind), "example.org"); !r.OK || r.Reason != probe.OK {
			t.Errorf("%s: %+v", kind, r)
		}
		if q := <-got; q.Type != want || q.Name.String() != "example.org." {
			t.Errorf("%s: asked %v", kind, q)
		}
	}
	if _, err := New(Config{Type: "NONE"}); err == nil {
		t.Error("a type that is none is taken")
	}
	for _, name := range []string{"a..b", strings.Repeat("a", 64), strings.Repeat("a.", 200)} {
		if _, err := New(Config{Name: name}); err == nil {
			t.Errorf("%q is taken for a name", name)
		}
	}
}

func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*dnsmessage.Message)
		detail string // "" = well
	}{
		"well":         {nil, ""},
		"other case":   {func(m *dnsmessage.Message) { m.Questions[0].Name = dnsmessage.MustNewName("EXAMPLE.org.") }, ""},
		"no such name": {func(m *dnsmessage.Message) { m.RCode, m.Answers = dnsmessage.RCodeNameError, nil }, "rcode = 3 (NXDOMAIN)"},
		"refused, without the question": {func(m *dnsmessage.Message) {
			m.RCode, m.Answers, m.Questions = dnsmessage.RCodeRefused, nil, nil
		}, "rcode = 5 (REFUSED)"},
		"nothing in the answer": {func(m *dnsmessage.Message) {
			m.Authorities, m.Answers = m.Answers, nil
		}, "answer section is empty"},
		"truncated":                {func(m *dnsmessage.Message) { m.Truncated, m.Answers = true, nil }, "reply is truncated, and its answer section empty"},
		"truncated with an answer": {func(m *dnsmessage.Message) { m.Truncated = true }, ""},
		"another name":             {func(m *dnsmessage.Message) { m.Questions[0].Name = dnsmessage.MustNewName("example.net.") }, "reply to another question"},
		"another type":             {func(m *dnsmessage.Message) { m.Questions[0].Type = dnsmessage.TypeMX }, "reply to another question"},
		"another ID":               {func(m *dnsmessage.Message) { m.ID++ }, "reply to another query"},
		"a query":                  {func(m *dnsmessage.Message) { m.Response = false }, "a query in place of a reply"},
	} {
		t.Run(name, func(t *testing.T) {
			to := probetest.ServeDatagrams(t, func(b []byte, reply func([]byte)) { reply(answer(b, c.change)) })
			if strings.HasPrefix(c.detail, "reply to") || strings.HasPrefix(c.detail, "a query") {
				to.Timeout = probetest.Short // it waits for another
			}
			r := ask(t, to, "A", "example.org")
			if r.OK != (c.detail == "") || r.Detail != c.detail {
				t.Errorf("got %+v, want %q", r, c.detail)
			}
		})
	}
}

// A stranger's reply does not hide the right one.
func TestStraysArePassedOver(t *testing.T) {
	to := probetest.ServeDatagrams(t, func(b []byte, reply func([]byte)) {
		for range maxStrays - 1 {
			reply(answer(b, func(m *dnsmessage.Message) { m.ID ^= 0xff }))
		}
		reply(answer(b, nil))
	})
	if r := ask(t, to, "", ""); !r.OK {
		t.Errorf("got %+v", r)
	}
	to = probetest.ServeDatagrams(t, func(b []byte, reply func([]byte)) {
		for range 4 * maxStrays {
			reply(answer(b, func(m *dnsmessage.Message) { m.ID ^= 0xff }))
		}
	})
	if r := ask(t, to, "", ""); r.OK || r.Reason != probe.BadAnswer {
		t.Errorf("got %+v", r)
	}
}

// Names that point at themselves, or from one to the other, come to an end.
func TestLoopsOfNames(t *testing.T) {
	for name, tail := range map[string]string{
		"itself":    "\xc0\x1d\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04\x01\x02\x03\x04",
		"forwards":  "\xc0\x1f\xc0\x1d\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04\x01\x02\x03\x04",
		"beyond":    "\xff\xff\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04\x01\x02\x03\x04",
		"too long":  "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\xff\xff\x01",
		"cut short": "\xc0\x0c\x00\x01",
		"missing":   "",
	} {
		t.Run(name, func(t *testing.T) {
			to := probetest.ServeDatagrams(t, func(b []byte, reply func([]byte)) {
				reply([]byte(string(b[:2]) + "\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + string(b[12:]) + tail))
			})
			if r := ask(t, to, "A", "example.org"); r.OK || r.Reason != probe.BadAnswer {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestSourceAddress(t *testing.T) {
	from := make(chan net.Addr, 1)
	to := probetest.ServePackets(t, func(c *net.UDPConn, b []byte, a net.Addr) {
		from <- a
		_, _ = c.WriteTo(answer(b, nil), a)
	})
	to.BindTo = probetest.Other
	if r := ask(t, to, "A", "example.org"); !r.OK {
		t.Errorf("got %+v", r)
	}
	if got := (<-from).(*net.UDPAddr).AddrPort().Addr(); got != to.BindTo {
		t.Errorf("came from %v", got)
	}
}

func FuzzReply(f *testing.F) {
	p, err := New(Config{Type: "A", Name: "example.org"})
	if err != nil {
		f.Fatal(err)
	}
	query := append([]byte{0x12, 0x34}, p.query[2:]...)
	f.Add(answer(query, nil))
	f.Add(answer(query, func(m *dnsmessage.Message) { m.RCode = 3 }))
	f.Add(query)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, stray := judge(b, 0x1234, &p.question)
		switch {
		case stray != "" && (r.OK || r.Detail != ""):
			t.Errorf("a stray with a result: %+v", r)
		case stray == "" && !r.OK && r.Detail == "":
			t.Error("a failure without a reason")
		case r.OK && (len(b) < len(query)+11 || b[2]&0x80 == 0 || b[3]&0xf != 0 || b[6]|b[7] == 0):
			t.Errorf("%x is taken for an answer", b)
		}
	})
}
