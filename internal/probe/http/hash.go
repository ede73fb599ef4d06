package http

import (
	"bytes"
	"context"
	"crypto/md5" // the digest of keepalived.conf(5)
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/holdfast-ha/holdfast/internal/probe"
)

// MaxPage is how long a page may be, header and all, that Hash keeps, in bytes.
const MaxPage = 64 << 20

// Page is what a server answered.
type Page struct {
	Header, Body []byte
	Digest       [md5.Size]byte // of Body, as [digest] wants it
}

// Hash asks for a page as a check would, whatever its status, and keeps it.
func Hash(ctx context.Context, c Config) (*Page, error) {
	p, err := New(c)
	if err != nil {
		return nil, err
	}
	raw, err := p.To.Dial(ctx)
	if err != nil {
		return nil, errors.New(probe.Failed(err).Detail)
	}
	defer func() { _ = raw.Close() }()
	stop, _ := probe.Limit(ctx, raw, p.To.Patience())
	defer stop()
	conn := raw
	if p.tls != nil {
		if conn, err = p.tls.Handshake(ctx, raw); err != nil {
			return nil, err
		}
	}
	if _, err := conn.Write(p.request); err != nil {
		return nil, errors.New(p.broken("send the request", err).Detail)
	}
	return p.page(conn)
}

func (p *Probe) page(conn net.Conn) (*Page, error) {
	a := answer{want: &expected{status: []Range{{100, 999}}, digest: "any"}}
	var all bytes.Buffer
	buf := make([]byte, 16<<10)
	for {
		n, err := conn.Read(buf)
		all.Write(buf[:n])
		if _, done := a.feed(buf[:n]); done || errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errors.New(p.broken("read the answer", err).Detail)
		}
		if all.Len() > MaxPage {
			return nil, fmt.Errorf("page is longer than %d bytes", MaxPage)
		}
	}
	if !a.inBody {
		return nil, errors.New(a.end().Detail)
	}
	header := all.Len() - int(a.got)
	if a.length >= 0 { // what follows is none of it
		header = headerEnd(all.Bytes())
	}
	page := &Page{Header: all.Bytes()[:header], Body: all.Bytes()[header:][:a.got]}
	page.Digest = md5.Sum(page.Body) // see above
	return page, nil
}
