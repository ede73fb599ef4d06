package smtp

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// script is a server: what it says at the start and after each line. It
// records what it hears.
type script struct {
	greeting string
	answer   func(line string) string // "" is silence
	heard    []string
}

func (s *script) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		if s.greeting == "" {
			_, _ = theirs.Read(make([]byte, 1)) // until it is given up
			return
		}
		_, _ = theirs.Write([]byte(s.greeting + "\r\n"))
		body := false
		for in := bufio.NewScanner(theirs); in.Scan(); {
			l := in.Text()
			s.heard = append(s.heard, l)
			if body && l != "." {
				continue
			}
			body = l == "DATA"
			if a := s.answer(l); a != "" {
				_, _ = theirs.Write([]byte(a + "\r\n"))
			}
		}
	}()
	return ours, nil
}

func kind(l string) string {
	if l == "DATA" {
		return "354 go on"
	}
	return "250 fine"
}

// told collects outcomes.
func (s *script) outlet(told *[]Outcome) *Outlet {
	return New(Config{
		To: []string{"a@example.com", "b@example.com"}, From: "from@example.com", Helo: "lab", Timeout: 5 * time.Second, Dial: s.dial,
	}, func(o Outcome) { *told = append(*told, o) })
}

var midnight = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

// What Debian's keepalived 2.2.7 says to a mail server, line for line.
func TestConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []Outcome
		s := &script{greeting: "220 hello", answer: kind}
		o := s.outlet(&told)
		o.Send(Mail{Subject: "[r] VRRP Instance VI_1 - Entering MASTER state\r\nBcc: x", Body: "=> one <=\n.two", Cause: "x\ny", At: midnight})
		if !o.Close(time.Minute) || o.Lost() != 0 {
			t.Error("not sent", told)
		}
		want := strings.Split(`HELO lab
MAIL FROM:<from@example.com>
RCPT TO:<a@example.com>
RCPT TO:<b@example.com>
DATA
Date: Fri, 02 Jan 2026 00:00:00 +0000
From: from@example.com
Subject: [r] VRRP Instance VI_1 - Entering MASTER stateBcc: x
X-Mailer: Keepalived
To: a@example.com, b@example.com
X-Holdfast-Cause: xy

=> one <=
..two

.
QUIT`, "\n")
		synctest.Wait()
		if got := strings.Join(s.heard, "\n"); got != strings.Join(want, "\n") {
			t.Errorf("said\n%s", got)
		}
	})
}

// A server that is bad costs its own mails, each a bounded number of tries.
func TestBadServers(t *testing.T) {
	for name, c := range map[string]struct {
		s     script
		tries int
		want  string
	}{
		"silent":          {script{}, MaxTries, "i/o timeout"},
		"nonsense":        {script{greeting: "SSH-2.0-server"}, MaxTries, "the greeting"},
		"without end":     {script{greeting: strings.Repeat("220-x\r\n", 20000)}, MaxTries, "the greeting"},
		"refuses for now": {script{greeting: "421 later"}, MaxTries, "421 later"},
		"refuses":         {script{greeting: "220 hello", answer: func(string) string { return "550 no" }}, 1, "HELO lab: 550 no"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told []Outcome
				o := c.s.outlet(&told)
				o.Send(Mail{Subject: "x", At: midnight})
				time.Sleep(time.Hour) // of the bubble's clock
				synctest.Wait()
				if o.Lost() != 1 || len(told) != c.tries {
					t.Fatalf("%d lost, %d outcomes: %v", o.Lost(), len(told), told)
				}
				last := told[len(told)-1]
				if !last.Dropped || last.Tries != c.tries || !strings.Contains(last.Err.Error(), c.want) {
					t.Errorf("%+v", last)
				}
				if !o.Close(time.Minute) {
					t.Error("does not end")
				}
			})
		})
	}
}

// What a server does not take now is tried again, and nothing overtakes it.
func TestOrderIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []Outcome
		s := &script{greeting: "220 hello", answer: kind}
		var away atomic.Bool
		away.Store(true)
		o := New(Config{To: []string{"a"}, Timeout: time.Second, Dial: func(ctx context.Context, n, a string) (net.Conn, error) {
			if away.Load() {
				return nil, errors.New("connection refused")
			}
			return s.dial(ctx, n, a)
		}}, func(o Outcome) { told = append(told, o) })
		for _, m := range []string{"1", "2", "3"} {
			o.Send(Mail{Subject: m, At: midnight})
		}
		time.Sleep(2 * time.Second)
		away.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		var subjects string
		for _, l := range s.heard {
			if n, ok := strings.CutPrefix(l, "Subject: "); ok {
				subjects += n
			}
		}
		if subjects != "123" || o.Lost() != 0 {
			t.Errorf("subjects %s, %d lost, %v", subjects, o.Lost(), told)
		}
		o.Close(0)
	})
}

// The queue is bounded, and what does not fit is counted.
func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []Outcome
		s := &script{}
		o := s.outlet(&told)
		refused := 0
		for range MaxQueued + 10 {
			if !o.Send(Mail{At: midnight}) {
				refused++
			}
		}
		if refused == 0 || o.Lost() != uint64(refused) {
			t.Errorf("%d refused, %d lost", refused, o.Lost())
		}
		if o.Close(time.Second) {
			t.Error("a silent server's mails are said to be sent")
		}
		if o.Send(Mail{}) {
			t.Error("taken after the end")
		}
		if o.Lost() != MaxQueued+11 {
			t.Errorf("%d lost in the end", o.Lost())
		}
	})
}
