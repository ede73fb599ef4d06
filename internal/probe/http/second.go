package http

import (
	"errors"
	"io"
	"strconv"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/h2"
)

// second is the request over HTTP/2. Without TLS it is sent to a server that
// is known to speak it (RFC 9113 §3.3).
func second(c Config) *h2.Request {
	path, host := c.target()
	scheme := "http"
	if c.TLS != nil {
		scheme = "https"
	}
	return &h2.Request{Fields: []h2.Field{
		{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: scheme},
		{Name: ":path", Value: path}, {Name: ":authority", Value: host},
		{Name: "user-agent", Value: "KeepAliveClient"},
	}}
}

// askSecond asks over HTTP/2.
func (p *Probe) askSecond(conn io.ReadWriter) probe.Result {
	s := streamed{answer: answer{want: p.want}}
	err := h2.Ask(conn, *p.second, &s)
	var bad h2.Malformed
	switch {
	case err == nil:
		return s.result
	case errors.As(err, &bad), errors.Is(err, h2.ErrIncomplete):
		return probe.Result{Reason: probe.BadAnswer, Detail: err.Error()}
	}
	return p.broken("ask", err)
}

// streamed hands to the judge what comes over a stream.
type streamed struct {
	answer answer
	result probe.Result
}

func (s *streamed) Header(fields []h2.Field, end bool) (done bool) {
	if s.answer.inBody { // a trailer
		return s.stop(s.answer.end(), end)
	}
	status := 0
	for _, f := range fields {
		if f.Name == ":status" {
			status, _ = strconv.Atoi(f.Value)
		}
	}
	if status < 100 || status > 999 {
		return s.stop(bad("answer has no status"), true)
	}
	if status/100 == 1 {
		return false
	}
	r, done := s.answer.begin(status, -1)
	if !done && end {
		r, done = s.answer.end(), true
	}
	return s.stop(r, done)
}

func (s *streamed) Data(b []byte, end bool) (done bool) {
	if !s.answer.inBody {
		return s.stop(bad("a body before the header"), true)
	}
	r, done := s.answer.body(b)
	if !done && end {
		r, done = s.answer.end(), true
	}
	return s.stop(r, done)
}

func (s *streamed) stop(r probe.Result, done bool) bool {
	s.result = r
	return done
}
