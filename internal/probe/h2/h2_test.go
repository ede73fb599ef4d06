package h2

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// peer reads what we say and has said what it says.
type peer struct {
	io.Reader
	sent bytes.Buffer
}

func (p *peer) Write(b []byte) (int, error) { return p.sent.Write(b) }

// gather keeps an answer.
type gather struct {
	fields []Field
	body   []byte
}

func (g *gather) Header(f []Field, end bool) bool {
	g.fields = append(g.fields, f...)
	return end
}

func (g *gather) Data(b []byte, end bool) bool {
	g.body = append(g.body, b...)
	return end
}

// header encodes fields, "name value".
func header(fields ...string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, " ")
		_ = e.WriteField(Field{Name: name, Value: value})
	}
	return b.Bytes()
}

var get = Request{Fields: []Field{{Name: ":method", Value: "GET"}, {Name: ":path", Value: "/"}}}

// frames are bytes of kind, flags, stream and body.
func frames(f ...frame) (b []byte) {
	for _, x := range f {
		b = appendFrame(b, x.kind, x.flags, x.stream, x.body)
	}
	return b
}

func settings() frame { return frame{kind: kindSettings} }

func TestAnswers(t *testing.T) {
	ok := header(":status 200", "x-more yes")
	bomb := header("x-long " + strings.Repeat("x", 3000))
	for _, f := range strings.Fields(strings.Repeat("a ", 60000)) {
		_ = f
		bomb = append(bomb, 0x80|62) // the entry once more
	}
	for _, c := range []struct {
		name string
		says []byte
		err  string
		body string
	}{
		{"header and body", frames(settings(), frame{kindHeaders, flagEndHeaders, 1, ok}, frame{kindData, flagEndStream, 1, []byte("hello")}), "", "hello"},
		{"no body", frames(settings(), frame{kindHeaders, flagEndHeaders | flagEndStream, 1, ok}), "", ""},
		{"in pieces", frames(settings(), frame{kindHeaders, 0, 1, ok[:1]}, frame{kindContinuation, flagEndHeaders, 1, ok[1:]},
			frame{kindPing, 0, 0, make([]byte, 8)}, frame{kindData, 0, 1, []byte("he")}, frame{kind: kindWindowUpdate, body: make([]byte, 4)},
			frame{kindData, flagPadded, 1, []byte("\x02llxx")}, frame{kindData, flagEndStream, 1, []byte("o")}), "", "hello"},
		{"a trailer", frames(settings(), frame{kindHeaders, flagEndHeaders, 1, ok}, frame{kindData, 0, 1, []byte("hello")},
			frame{kindHeaders, flagEndHeaders | flagEndStream, 1, header("x-end yes")}), "", "hello"},
		{"priority", frames(settings(), frame{kindHeaders, flagEndHeaders | flagEndStream | flagPriority, 1, append(make([]byte, 5), ok...)}), "", ""},
		{"nothing", nil, "connection closed", ""},
		{"HTTP/1", []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), "HTTP/1, not HTTP/2", ""},
		{"something else", []byte("220 mail.example ESMTP\r\n"), `answer is not HTTP/2: it begins "220 mail."`, ""},
		{"no settings", frames(frame{kindHeaders, flagEndHeaders | flagEndStream, 1, ok}), "not HTTP/2", ""},
		{"half a frame", frames(settings(), frame{kindHeaders, flagEndHeaders, 1, ok})[:15], "connection closed", ""},
		{"half a body", frames(settings(), frame{kindHeaders, flagEndHeaders, 1, ok}, frame{kindData, 0, 1, []byte("he")}), "connection closed", ""},
		{"reset", frames(settings(), frame{kindReset, 0, 1, []byte{0, 0, 0, 7}}), "REFUSED_STREAM", ""},
		{"go away", frames(settings(), frame{kindGoAway, 0, 0, []byte{0, 0, 0, 0, 0, 0, 0, 11}}), "ENHANCE_YOUR_CALM", ""},
		{"unknown error", frames(settings(), frame{kindReset, 0, 1, []byte{1, 0, 0, 7}}), "error 16777223", ""},
		{"short go away", frames(settings(), frame{kindGoAway, 0, 0, []byte{0}}), "a frame of type 7 of 1 bytes", ""},
		{"a promise", frames(settings(), frame{kindPushPromise, 0, 1, []byte("abcdef")}), "nobody asked for", ""},
		{"padding only", frames(settings(), frame{kindData, flagPadded, 1, []byte{9, 0}}), "more padding", ""},
		{"another frame within a header", frames(settings(), frame{kindHeaders, 0, 1, ok}, settings()), "within a header", ""},
		{"garbage in a header", frames(settings(), frame{kindHeaders, flagEndHeaders, 1, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}), "cannot be read", ""},
		{"a header that unfolds", frames(settings(), frame{kindHeaders, 0, 1, bomb[:maxFrame]}, frame{kindContinuation, flagEndHeaders, 1, bomb[maxFrame : 2*maxFrame]}), "longer than", ""},
		{"a header without end", frames(settings(), frame{kindHeaders, 0, 1, nil}, frame{kindContinuation, 0, 1, make([]byte, maxFrame)}, frame{kindContinuation, 0, 1, make([]byte, maxFrame)},
			frame{kindContinuation, 0, 1, make([]byte, maxFrame)}, frame{kindContinuation, 0, 1, make([]byte, maxFrame)}, frame{kindContinuation, 0, 1, make([]byte, 1)}), "longer than", ""},
		{"nothing but pings", bytes.Repeat(frames(settings(), frame{kindPing, 0, 0, make([]byte, 8)}), 2000), "besides the answer", ""},
		{"nothing but empty data", append(frames(settings()), bytes.Repeat(frames(frame{kindData, 0, 1, nil}), 2000)...), "besides the answer", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var g gather
			err := Ask(&peer{Reader: bytes.NewReader(c.says)}, get, &g)
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Fatalf("got %v, want %q", err, c.err)
			}
			if string(g.body) != c.body && c.err == "" {
				t.Errorf("body %q", g.body)
			}
		})
	}
}

// What was sent is what RFC 9113 wants of a client.
func TestWhatIsSent(t *testing.T) {
	ok := frames(settings(), frame{kindPing, 0, 0, []byte("12345678")}, frame{kindHeaders, flagEndHeaders, 1, header(":status 200")}, frame{kindData, 0, 1, []byte("hello")}, frame{kindData, flagEndStream, 1, nil})
	p := &peer{Reader: bytes.NewReader(ok)}
	if err := Ask(p, Request{Fields: get.Fields, Body: []byte("question")}, &gather{}); err != nil {
		t.Fatal(err)
	}
	rest, found := bytes.CutPrefix(p.sent.Bytes(), []byte(preface))
	if !found {
		t.Fatalf("sent %q", p.sent.Bytes())
	}
	var got []string
	buf := make([]byte, maxFrame)
	for r := bytes.NewReader(rest); r.Len() > 0; {
		f, err := readFrame(r, buf)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.Join([]string{string('0' + f.kind), string('0' + f.flags), string(rune('0' + f.stream)), string(f.body)}, " "))
	}
	want := []string{"4 0 0 ", "8 0 0 ", "1 4 1 ", "0 1 1 question", "4 1 0 ", "6 1 0 12345678", "8 0 0 \x00\x00\x00\x05", "8 0 1 \x00\x00\x00\x05"}
	if len(got) != len(want) {
		t.Fatalf("sent %q", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("frame %d is %q, want %q", i, got[i], want[i])
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(frames(settings(), frame{kindHeaders, flagEndHeaders, 1, header(":status 200")}, frame{kindData, flagEndStream, 1, []byte("hello")}))
	f.Add(frames(settings(), frame{kindHeaders, flagPadded | flagPriority, 1, []byte("\x01abcdefgh")}))
	f.Fuzz(func(t *testing.T, says []byte) {
		var g gather
		err := Ask(&peer{Reader: bytes.NewReader(says)}, get, &g)
		if err != nil && errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}
