package snmp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/holdfast-ha/holdfast/internal/notify/snmp/mib"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// How long things take at most, and how often they come.
const (
	patience    = 5 * time.Second  // for a connection, an answer, a write
	farewell    = time.Second      // for what is left at the end
	pingEvery   = 15 * time.Second // as net-snmp's subagents do
	firstPause  = time.Second      // before the second attempt; each is twice the last
	longPause   = pingEvery
	askPatience = 5 // seconds that the master is to give us for an answer
	priority    = 127
)

// errClosed is the end that was asked for.
var errClosed = errors.New("closed")

// run has one session after the other.
func (o *Outlet) run() {
	defer close(o.ended)
	pause, told := firstPause, false
	for !o.stopping() {
		served, err := o.serve()
		if errors.Is(err, errClosed) {
			return
		}
		if served {
			pause, told = firstPause, false
		}
		if !told {
			o.o.Told(slog.LevelWarn, fmt.Sprintf("SNMP: %v; trying again", err))
			told = true
		}
		select {
		case <-o.stop:
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, longPause)
	}
}

// session is one connection with a master.
type session struct {
	*Outlet
	conn   net.Conn
	in     chan agentx.PDU // capacity 1: what the reader read last
	failed chan error      // capacity 1: why it ended
	id     uint32
	packet uint32
	out    []byte // the last PDU, reused
	sets   sets
}

// serve is a session's life; served: it was opened.
func (o *Outlet) serve() (served bool, err error) {
	conn, err := o.connect()
	if err != nil {
		return false, err
	}
	s := &session{Outlet: o, conn: conn, in: make(chan agentx.PDU, 1), failed: make(chan error, 1)}
	done := make(chan struct{})
	quit := make(chan struct{})
	go func() {
		defer close(done)
		s.read(quit)
	}()
	defer func() {
		close(quit)
		_ = conn.Close()
		<-done
	}()
	if err := s.open(); err != nil {
		return false, err
	}
	o.o.Told(slog.LevelInfo, "AgentX subagent connected")
	return true, s.live()
}

// connect dials, until it is to stop.
func (o *Outlet) connect() (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	go func() {
		select {
		case <-o.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return o.dial(ctx, o.o.Socket)
}

// read hands on what the master says, until it ends or says what it must not.
func (s *session) read(quit <-chan struct{}) {
	head := make([]byte, agentx.HeaderLen)
	var whole []byte
	for {
		var p agentx.PDU
		_, err := io.ReadFull(s.conn, head)
		if err == nil {
			size, fault := agentx.Size(head)
			if fault != agentx.Good {
				err = fmt.Errorf("what it sent is no AgentX: %v", fault)
			} else {
				whole = append(whole[:0], head...)
				whole = append(whole, make([]byte, size-len(head))...)
				_, err = io.ReadFull(s.conn, whole[len(head):])
			}
		}
		if err == nil {
			if fault := agentx.Parse(&p, whole); fault != agentx.Good {
				err = fmt.Errorf("what it sent is no AgentX: %v", fault)
			}
		}
		if err != nil {
			s.failed <- fmt.Errorf("the AgentX master has gone: %w", err)
			return
		}
		select {
		case s.in <- p:
		case <-quit:
			return
		}
	}
}

// open begins the session and registers what we have.
func (s *session) open() error {
	r, err := s.ask(agentx.Open{Timeout: askPatience, ID: mib.Keepalived, Descr: s.o.Descr})
	if err != nil {
		return err
	}
	if r.Error != agentx.NoError {
		return fmt.Errorf("the AgentX master does not open a session: %v", r.Error)
	}
	for _, root := range s.o.Roots {
		r, err := s.ask(agentx.Register{Timeout: askPatience, Priority: priority, Subtree: root})
		if err != nil {
			return err
		}
		if r.Error != agentx.NoError {
			s.o.Told(slog.LevelError, fmt.Sprintf("SNMP: the AgentX master does not register %v: %v", root, r.Error))
		}
	}
	return nil
}

// live answers and sends traps until it ends.
func (s *session) live() error {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		if err := s.sendTraps(patience); err != nil {
			return err
		}
		select {
		case <-s.wake:
		case p := <-s.in:
			if err := s.handle(&p); err != nil {
				return err
			}
		case err := <-s.failed:
			return err
		case <-ping.C:
			if _, err := s.ask(agentx.Ping{}); err != nil {
				return err
			}
		case <-s.stop:
			return s.leave()
		}
	}
}

// leave says goodbye.
func (s *session) leave() error {
	_ = s.sendTraps(farewell)
	_ = s.conn.SetDeadline(time.Now().Add(farewell))
	_ = s.send(0, agentx.Close{Reason: agentx.ReasonShutdown})
	return errClosed
}

// sendTraps sends what waits. One that the master refuses is lost; so is one at
// which the session ends, for it may have arrived.
func (s *session) sendTraps(long time.Duration) error {
	until := time.Now().Add(long)
	for time.Now().Before(until) {
		t, lost := s.take()
		if lost > 0 {
			s.o.Told(slog.LevelWarn, fmt.Sprintf("SNMP: %d traps were lost, more than %d waited", lost, maxTraps))
		}
		if t == nil {
			return nil
		}
		if _, err := s.ask(agentx.Notify{VarBinds: t}); err != nil {
			return err
		}
	}
	return nil
}

// ask sends a request and waits for its answer; what the master asks meanwhile
// is answered.
func (s *session) ask(body agentx.Body) (agentx.Response, error) {
	s.packet++
	if err := s.send(s.packet, body); err != nil {
		return agentx.Response{}, err
	}
	late, stop := time.NewTimer(patience), s.stop
	defer late.Stop()
	for {
		select {
		case <-stop:
			late.Reset(farewell)
			stop = nil
		case p := <-s.in:
			r, ok := p.Body.(agentx.Response)
			if !ok {
				if err := s.handle(&p); err != nil {
					return agentx.Response{}, err
				}
				continue
			}
			if p.Packet != s.packet {
				continue
			}
			s.setEpoch(r.UpTime)
			if body.Kind() == agentx.KindOpen {
				s.id = p.Session
			}
			return r, nil
		case err := <-s.failed:
			return agentx.Response{}, err
		case <-late.C:
			return agentx.Response{}, fmt.Errorf("the AgentX master does not answer within %v", patience)
		}
	}
}

func (s *session) send(packet uint32, body agentx.Body) error {
	return s.write(&agentx.PDU{Session: s.id, Packet: packet, Body: body})
}

func (s *session) write(p *agentx.PDU) error {
	_ = s.conn.SetWriteDeadline(time.Now().Add(patience))
	s.out = agentx.Append(s.out[:0], p)
	if _, err := s.conn.Write(s.out); err != nil {
		return fmt.Errorf("tell the AgentX master: %w", err)
	}
	return nil
}
