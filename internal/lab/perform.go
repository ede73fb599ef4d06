package lab

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// stage carries out commands on the demonstration.
type stage struct {
	*demo
	screen *screen
	seen   int // outages judged by an expect already
}

// poll is how often an expect looks.
const poll = 50 * time.Millisecond

// logTail is how many lines of a log are shown.
const logTail = 20

// perform carries out a command. An expect that does not hold is an error.
func (s *stage) perform(ctx context.Context, c *command) error {
	switch c.verb {
	case "help":
		s.screen.print(help())
	case "status":
		s.screen.print(s.report())
	case "wait":
		return sleep(ctx, c.limit)
	case "expect":
		return s.expect(ctx, c)
	case "fail", "recover":
		b, err := s.backend(c.names[0])
		if err != nil {
			return err
		}
		return b.Fail(c.fault)
	case "cut", "isolate", "heal":
		return s.cable(c.verb, c.names[0])
	default:
		return s.onDirector(c.verb, c.names[0])
	}
	return nil
}

func (s *stage) onDirector(verb, name string) error {
	d, err := s.director(name)
	if err != nil {
		return err
	}
	switch verb {
	case "kill":
		return d.Kill()
	case "stop":
		return d.Stop()
	case "start":
		return d.Start()
	case "reload":
		return d.Reload()
	case "log":
		s.screen.print(d.LogTail(logTail) + "\n")
		return nil
	}
	return fmt.Errorf("%s is not a command for a director", verb)
}

func (s *stage) cable(verb, node string) error {
	do, how := s.lab.Heal, ""
	switch verb {
	case "cut":
		do, how = s.lab.Cut, "cut"
	case "isolate":
		do, how = s.lab.Isolate, "isolated"
	}
	if err := do(node); err != nil {
		return err
	}
	s.setCut(node, how)
	return nil
}

// expect waits until what a line says is so, or says what is so instead.
func (s *stage) expect(ctx context.Context, c *command) error {
	switch c.what {
	case "outage", "no outage":
		return s.expectOutage(ctx, c)
	case "served":
		before := s.traffic.State().Servers[c.names[0]]
		return s.until(ctx, c, func() (bool, string) {
			return s.traffic.State().Servers[c.names[0]] > before, c.names[0] + " has answered nothing"
		})
	case "servers":
		return s.until(ctx, c, func() (bool, string) {
			in := serving(s.lookAll())
			return in != nil && slices.Equal(in, c.names), "in are " + names(in)
		})
	default:
		return s.until(ctx, c, func() (bool, string) {
			all := s.lookAll()
			is := masters(all)
			return slices.Equal(is, c.names),
				fmt.Sprintf("master is %s (a: %v, b: %v)", names(is), all["a"], all["b"])
		})
	}
}

func (s *stage) until(ctx context.Context, c *command, holds func() (bool, string)) error {
	end := time.Now().Add(c.limit)
	for {
		ok, instead := holds()
		if ok {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("after %v: %s", c.limit, instead)
		}
		if err := sleep(ctx, poll); err != nil {
			return err
		}
	}
}

// expectOutage judges the outages that no such line has judged before. It lets
// every request that has been sent come to its end first, and an outage that
// lasts may last as long as it is allowed to.
func (s *stage) expectOutage(ctx context.Context, c *command) error {
	if err := s.traffic.settle(ctx, c.limit); err != nil {
		return err
	}
	now := s.traffic.State()
	news := s.traffic.OutagesSince(s.seen)
	s.seen = now.Outages
	if now.Open != nil {
		news = append(news, *now.Open)
	}
	for _, o := range news {
		if c.what == "no outage" || o.Length >= c.limit {
			return fmt.Errorf("there was an %v", o)
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
