// Package dns is DNS_CHECK: a name server is well when it answers a question
// over UDP without an error, and with something in its answer section.
//
// A reply is believed when it comes from the server that was asked and repeats
// the query's ID and question. Everything else is passed over until time is
// up. How replies are read is in reply.go.
package dns

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/holdfast-ha/holdfast/internal/probe"
)

const (
	// maxReply is the largest datagram that is looked at, in bytes. A reply to
	// a query without EDNS has at most 512 (RFC 1035 §4.2.1).
	maxReply = 4096
	// maxStrays bounds the datagrams that one attempt passes over.
	maxStrays = 64
)

// types are those of keepalived.conf(5), and two that keepalived knows without
// saying so.
var types = map[string]dnsmessage.Type{
	"A": dnsmessage.TypeA, "NS": dnsmessage.TypeNS, "CNAME": dnsmessage.TypeCNAME, "SOA": dnsmessage.TypeSOA,
	"MX": dnsmessage.TypeMX, "TXT": dnsmessage.TypeTXT, "AAAA": dnsmessage.TypeAAAA, "RRSIG": 46, "DNSKEY": 48,
}

// Config says what is asked. Names in brackets are the keywords of
// keepalived.conf(5).
type Config struct {
	To   probe.Endpoint
	Type string // [type]; empty = SOA
	Name string // [name]; empty = the root
}

// Probe asks one question. It is safe for concurrent use.
type Probe struct {
	To       probe.Endpoint
	question dnsmessage.Question
	query    []byte // its ID is filled in for each attempt
}

// New makes a Probe; the error is that of a name or type that is none.
func New(c Config) (*Probe, error) {
	if c.Type == "" {
		c.Type = "SOA"
	}
	kind, ok := types[strings.ToUpper(c.Type)]
	if !ok {
		return nil, fmt.Errorf("query type %q is not known", c.Type)
	}
	name, err := dnsmessage.NewName(strings.TrimSuffix(c.Name, ".") + ".")
	if err != nil {
		return nil, fmt.Errorf("name %q: %w", c.Name, err)
	}
	q := dnsmessage.Question{Name: name, Type: kind, Class: dnsmessage.ClassINET}
	m := dnsmessage.Message{Header: dnsmessage.Header{RecursionDesired: true}, Questions: []dnsmessage.Question{q}}
	query, err := m.Pack()
	if err != nil {
		return nil, fmt.Errorf("name %q: %w", c.Name, err)
	}
	return &Probe{To: c.To, question: q, query: query}, nil
}

// Probe makes one attempt.
func (p *Probe) Probe(ctx context.Context) probe.Result {
	return probe.Timed(ctx, p.attempt)
}

func (p *Probe) attempt(ctx context.Context) probe.Result {
	conn, hangUp, err := p.To.DialUDP(ctx)
	if err != nil {
		return probe.RefusedDatagram(err)
	}
	defer hangUp()
	id := uint16(rand.Uint32()) // seeded by the runtime; a port is to be guessed, too
	query := append([]byte{byte(id >> 8), byte(id)}, p.query[2:]...)
	if _, err := conn.Write(query); err != nil {
		return probe.RefusedDatagram(err)
	}
	buf := make([]byte, maxReply)
	stray := ""
	for range maxStrays {
		n, err := conn.Read(buf)
		if err != nil {
			return p.silent(err, stray)
		}
		r, why := judge(buf[:n], id, &p.question)
		if why == "" {
			return r
		}
		stray = why
	}
	return probe.Result{Reason: probe.BadAnswer, Detail: fmt.Sprintf("%d datagrams, none of them a reply: %s", maxStrays, stray)}
}

// silent is the result when no reply came; stray is what came in its place.
func (p *Probe) silent(err error, stray string) probe.Result {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return probe.RefusedDatagram(err)
	}
	if stray != "" {
		return probe.Result{Reason: probe.BadAnswer, Detail: stray}
	}
	return probe.Result{Reason: probe.Timeout, Detail: fmt.Sprintf("no reply within %v", p.To.Patience())}
}
