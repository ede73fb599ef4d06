// The client and the server between whom a proxy stands. Each is this program
// again, in a process and a namespace of its own: bench play ROLE ….
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A connection begins with a question of this length, whose first byte says
// what is wanted.
const (
	question = 64 // bytes, as the answer
	piece    = 128 << 10

	wantOne  = 'o' // one answer, then the server ends it
	wantMany = 'm' // an answer to every question
	wantBulk = 'b' // bytes without end
)

// played is what a client tells of its work.
type played struct {
	Seconds float64
	Done    uint64    // connections, requests or bytes
	Failed  uint64    // connections
	Took    []float64 // µs, of each; not of bulk
}

// play is one of the roles: server ADDRESS; client KIND ADDRESS PARALLEL
// SECONDS; idle ADDRESS NUMBER, which holds its connections until its standard
// input ends.
func play(args []string) error {
	if len(args) < 2 {
		return errors.New("play what?")
	}
	switch args[0] {
	case "server":
		return playServer(args[1])
	case "client":
		parallel, err1 := strconv.Atoi(args[3])
		seconds, err2 := strconv.ParseFloat(args[4], 64)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		p := playClient(args[1][0], args[2], parallel, time.Duration(seconds*float64(time.Second)))
		return json.NewEncoder(os.Stdout).Encode(p)
	case "idle":
		n, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return playIdle(args[1], n)
	}
	return fmt.Errorf("play %s?", args[0])
}

func playServer(at string) error {
	lc := net.ListenConfig{}
	lc.SetMultipathTCP(false)
	l, err := lc.Listen(context.Background(), "tcp4", at)
	if err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go serve(c)
	}
}

func serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	b := make([]byte, question)
	for {
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		if b[0] == wantBulk {
			big := make([]byte, piece)
			for {
				if _, err := c.Write(big); err != nil {
					return
				}
			}
		}
		if _, err := c.Write(b); err != nil || b[0] == wantOne {
			return
		}
	}
}

// playClient works with so many connections at a time until the time is over.
func playClient(kind byte, to string, parallel int, length time.Duration) played {
	var out played
	var mu sync.Mutex
	var failed atomic.Uint64
	var workers sync.WaitGroup
	began := time.Now()
	end := began.Add(length)
	for range parallel {
		workers.Go(func() {
			var done uint64
			var took []float64
			for time.Now().Before(end) {
				c, err := net.Dial("tcp4", to)
				if err == nil {
					_ = c.SetDeadline(end.Add(5 * time.Second))
					n, t, e := work(c, kind, end, took)
					done, took, err = done+n, t, e
					_ = c.Close()
				}
				if err != nil {
					failed.Add(1)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			out.Done += done
			out.Took = append(out.Took, took...)
		})
	}
	workers.Wait()
	out.Seconds, out.Failed = time.Since(began).Seconds(), failed.Load()
	return out
}

func work(c net.Conn, kind byte, end time.Time, took []float64) (done uint64, _ []float64, err error) {
	b := make([]byte, question)
	b[0] = kind
	if kind == wantBulk {
		if _, err := c.Write(b); err != nil {
			return 0, took, err
		}
		big := make([]byte, piece)
		for time.Now().Before(end) {
			n, err := c.Read(big)
			if done += uint64(n); err != nil {
				return done, took, err
			}
		}
		return done, took, nil
	}
	for {
		began := time.Now()
		if _, err := c.Write(b); err != nil {
			return done, took, err
		}
		if _, err := io.ReadFull(c, b); err != nil {
			return done, took, err
		}
		done++
		took = append(took, float64(time.Since(began).Microseconds()))
		if kind == wantOne {
			if _, err = c.Read(b[:1]); errors.Is(err, io.EOF) { // the server ends it
				err = nil
			}
			return done, took, err
		}
		if !time.Now().Before(end) {
			return done, took, nil
		}
	}
}

func playIdle(to string, n int) error {
	held := make([]net.Conn, 0, n)
	for range n {
		c, err := net.Dial("tcp4", to)
		if err != nil {
			return err
		}
		held = append(held, c)
		if _, _, err := work(c, wantMany, time.Now(), nil); err != nil {
			return err
		}
	}
	fmt.Println("held", len(held))
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}
