package proxy

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// link owns the connection to the data path, in one goroutine. It remembers
// the table, and a new connection begins with it; after that only what becomes
// different is told.
type link struct {
	addr  string
	calls chan call
	pause time.Duration

	want    lvs.Table        // nil before the first Set
	set     map[ipc.Kind]any // the settings
	told    bool             // this connection's peer has the table
	next    *call            // came between two connections, begins the next one
	there   bool             // the peer was heard: being connected only means that the parent keeps the socket
	seq     uint64
	pending []call // sent and not answered; pending[0] has Seq first
	first   uint64
}

// maxPending bounds the calls that nobody waits for any more.
const maxPending = 64

var errBusy = errors.New("the proxy does not answer, and too many requests wait")

func (l *link) run(ctx context.Context) {
	for ctx.Err() == nil {
		fd, err := dial(l.addr)
		if err == nil {
			err = l.talk(ctx, ipc.FromFD(fd))
		}
		l.drop(err)
		if !l.rest(ctx) {
			return
		}
	}
}

// talk works until the connection breaks.
func (l *link) talk(ctx context.Context, conn *ipc.Conn) error {
	incoming := make(chan ipc.Message) // unbuffered: one answer at a time
	broken := make(chan error, 1)      // room for the one error that there is
	talking, cancel := context.WithCancel(ctx)
	go func() { broken <- receive(talking, conn, incoming) }()
	ended := false
	defer func() {
		cancel()
		_ = conn.Close() // the error that matters is the one returned
		if !ended {
			<-broken //nolint:errcheck // the error that matters is the one returned
		}
	}()
	if err := l.begin(conn); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return errClosed
		case err := <-broken:
			ended = true
			return err
		case m := <-incoming:
			l.pause, l.there = retryMin, true
			l.answered(m)
		case c := <-l.calls:
			if c.last && !l.there {
				c.reply(result{})
				continue
			}
			if err := l.send(conn, c); err != nil {
				return err
			}
		}
	}
}

// begin says what a new connection has to know first.
func (l *link) begin(conn *ipc.Conn) error {
	l.pending, l.first, l.told = nil, l.seq+1, false
	next := l.next
	if next != nil { // whatever becomes of this connection
		l.remember(*next)
		next.delta = lvs.Delta{}
	}
	for _, kind := range settings {
		if body, ok := l.set[kind]; ok {
			if err := l.send(conn, call{kind: kind, body: body}); err != nil {
				return err
			}
		}
	}
	if l.want != nil && (next == nil || next.kind != KindSet) {
		if err := l.send(conn, call{kind: KindSet}); err != nil {
			return err
		}
	}
	if next != nil {
		l.next = nil
		return l.send(conn, *next)
	}
	return nil
}

func receive(ctx context.Context, conn *ipc.Conn, to chan<- ipc.Message) error {
	for {
		m, _, err := conn.Recv()
		if errors.Is(err, io.EOF) {
			return errors.New("the proxy has gone")
		}
		if err != nil {
			return err
		}
		select {
		case to <- m:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *link) send(conn *ipc.Conn, c call) error {
	m := ipc.Message{Kind: c.kind}
	if c.kind == KindSet && l.told {
		m.Body = ipc.Marshal(newUpdate(c.delta)) // before it is remembered, and is no longer ours
	}
	l.remember(c)
	if len(l.pending) >= maxPending {
		c.reply(result{err: errBusy})
		return errBusy
	}
	l.seq++
	m.Seq = l.seq
	c.delta = lvs.Delta{}
	l.pending = append(l.pending, c)
	switch c.kind {
	case KindSet:
		if !l.told {
			m.Body = ipc.Marshal(Update{Whole: true, Services: Encode(l.want)})
			l.told = true
		}
	case KindTimeouts, KindLimit:
		m.Body = ipc.Marshal(c.body)
	}
	return conn.Send(m)
}

// remember keeps what the next data path must be told too.
func (l *link) remember(c call) {
	switch c.kind {
	case KindSet:
		if l.want == nil {
			l.want = lvs.Table{}
		}
		l.want.Apply(c.delta)
	case KindTimeouts, KindLimit:
		if l.set == nil {
			l.set = map[ipc.Kind]any{}
		}
		l.set[c.kind] = c.body
	}
}

// answered hands m to the call that it answers; answers come in order.
func (l *link) answered(m ipc.Message) {
	i := m.Seq - l.first
	if m.Kind != ipc.Answer || i >= uint64(len(l.pending)) {
		return
	}
	r := result{body: m.Body}
	if m.Error != "" {
		r.err = errors.New(m.Error)
	}
	l.pending[i].reply(r)
	l.pending, l.first = l.pending[i+1:], m.Seq+1
}

// settings are the kinds that every data path is told, before its services.
var settings = []ipc.Kind{KindTimeouts, KindLimit}

func (c call) setting() bool { return slices.Contains(settings, c.kind) }

func (c call) reply(r result) {
	if c.answer != nil {
		c.answer <- r
	}
}

// drop answers what was under way when the connection broke.
func (l *link) drop(err error) {
	for _, c := range l.pending {
		if c.last || c.setting() {
			c.reply(result{})
			continue
		}
		c.reply(result{err: err})
	}
	l.pending, l.there = nil, false
	if l.next != nil {
		l.remember(*l.next) // told later
		l.next.reply(result{err: err})
		l.next = nil
	}
}

// rest waits before the next attempt, unless there is something to say.
func (l *link) rest(ctx context.Context) bool {
	timer := time.NewTimer(l.pause)
	defer timer.Stop()
	l.pause = min(2*l.pause, retryMax)
	select {
	case <-ctx.Done():
		return false
	case c := <-l.calls:
		if c.setting() {
			l.remember(c)
		}
		if c.last || c.setting() {
			c.reply(result{})
			return true
		}
		l.next = &c
	case <-timer.C:
	}
	return true
}
