package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
)

// askLimit is what a client gives one request. It is below a TCP sender's first
// retransmission (1 s), so a connection whose first packet was lost is a failed
// request and does not blur where an outage ends.
const askLimit = 900 * time.Millisecond

// maxAnswer bounds what is read of one answer, in bytes.
const maxAnswer = 4096

// Traffic is a client on a node that asks an address over and over: a new TCP
// connection and one HTTP GET each, at a fixed rate whatever comes back.
type Traffic struct {
	node *Node
	to   string
	tell func(Outage) // called for each outage that is over

	cancel context.CancelFunc
	done   chan struct{}
	start  time.Time

	mu      sync.Mutex
	book    ledger
	servers map[string]int     // answers by the name in them
	waiting map[int]*fate      // asked or answered, not yet booked
	next    int                // the request to be booked next
	recent  [rateWindow]uint32 // good answers in the last seconds, a ring by second
	second  int64
}

// rateWindow is over how many whole seconds Rate is taken, plus the running one.
const rateWindow = 3

type fate struct {
	sent   time.Duration
	known  bool
	server string
	why    string
}

// TrafficState is what a client has seen.
type TrafficState struct {
	Good, Failed int
	Rate         int            // good answers in the last whole second
	Servers      map[string]int // answers by server
	Open         *Outage        // the one that lasts
	Outages      int            // that are over
}

// Ask starts a client on the node that sends perSecond requests to an address
// such as 192.0.2.100:80. tell, if not nil, hears of each outage when it is over.
func (n *Node) Ask(to string, perSecond int, tell func(Outage)) *Traffic {
	ctx, cancel := context.WithCancel(context.Background())
	t := &Traffic{
		node: n, to: to, tell: tell, cancel: cancel, done: make(chan struct{}), start: time.Now(),
		servers: map[string]int{}, waiting: map[int]*fate{},
	}
	go t.run(ctx, time.Second/time.Duration(perSecond))
	return t
}

// Close stops the client and waits for its requests.
func (t *Traffic) Close() {
	t.cancel()
	<-t.done
}

func (t *Traffic) run(ctx context.Context, pause time.Duration) {
	defer close(t.done)
	var asking sync.WaitGroup
	defer asking.Wait()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for number := 0; ; number++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		f := &fate{sent: time.Since(t.start)}
		t.mu.Lock()
		t.waiting[number] = f
		t.mu.Unlock()
		asking.Add(1)
		go func() {
			defer asking.Done()
			server, err := t.node.Get(ctx, t.to)
			if ctx.Err() == nil {
				t.answered(f, server, err)
			}
		}()
	}
}

// answered books every request whose elders are all booked: in the order of
// sending, an outage is one stretch, however late its last time-outs come.
func (t *Traffic) answered(f *fate, server string, err error) {
	t.mu.Lock()
	f.known, f.server = true, server
	if err != nil {
		f.why = plain(err)
	} else {
		t.count(time.Since(t.start))
	}
	var over []Outage
	for f := t.waiting[t.next]; f != nil && f.known; f = t.waiting[t.next] {
		delete(t.waiting, t.next)
		t.next++
		if f.why == "" {
			t.servers[f.server]++
		}
		if o := t.book.note(f.sent, f.why); o != nil {
			over = append(over, *o)
		}
	}
	t.mu.Unlock()
	for _, o := range over {
		if t.tell != nil {
			t.tell(o)
		}
	}
}

func (t *Traffic) count(now time.Duration) {
	t.turn(now)
	t.recent[t.second%rateWindow]++
}

// turn empties the seconds of the ring in which nothing was counted.
func (t *Traffic) turn(now time.Duration) {
	second := int64(now / time.Second)
	for range min(second-t.second, rateWindow) {
		t.second++
		t.recent[t.second%rateWindow] = 0
	}
	t.second = second
}

// State tells what the client has seen so far.
func (t *Traffic) State() TrafficState {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn(time.Since(t.start))
	s := TrafficState{
		Good: t.book.good, Failed: t.book.failed, Outages: t.book.count,
		Rate:    int(t.recent[(t.second+rateWindow-1)%rateWindow]),
		Servers: map[string]int{},
	}
	for name, n := range t.servers {
		s.Servers[name] = n
	}
	if t.book.open != nil {
		o := *t.book.open
		o.Length = time.Since(t.start) - o.Start
		s.Open = &o
	}
	return s
}

// OutagesSince returns the outages that ended after the first n (TrafficState.Outages).
func (t *Traffic) OutagesSince(n int) []Outage {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Outage{}, t.book.since(n)...)
}

// Get asks an address such as 192.0.2.100:80 once, over a new connection, and
// returns the answer without the spaces around it. An answer other than 200 is
// an error.
func (n *Node) Get(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	c, err := n.DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(deadline)
	}
	if _, err := fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", address); err != nil {
		return "", err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("answer %s", resp.Status)
	}
	return strings.TrimSpace(string(body)), nil
}

// plain is an error's root in a few words.
func plain(err error) string {
	var code syscall.Errno
	var late net.Error
	switch {
	case errors.As(err, &code):
		return code.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &late) && late.Timeout():
		return "no answer within " + askLimit.String()
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "connection closed without an answer"
	}
	return err.Error()
}

// settle waits until every request sent so far is booked, and, at most limit
// longer, until no outage lasts.
func (t *Traffic) settle(ctx context.Context, limit time.Duration) error {
	begun := time.Now()
	t.mu.Lock()
	target := t.next + len(t.waiting)
	t.mu.Unlock()
	for {
		t.mu.Lock()
		booked := t.next >= target
		calm := t.book.open == nil
		t.mu.Unlock()
		if booked && (calm || time.Since(begun) > limit+askLimit) {
			return nil
		}
		if err := sleep(ctx, poll); err != nil {
			return err
		}
	}
}
