package snmp

import (
	"errors"

	"github.com/holdfast-ha/holdfast/internal/notify/snmp/mib"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// maxAnswer bounds the objects of one answer, and roomAnswer its bytes; who
// wants more asks again.
const (
	maxAnswer  = 1000
	roomAnswer = 60 << 10
)

// handle answers one request.
func (s *session) handle(p *agentx.PDU) error {
	switch p.Body.(type) {
	case agentx.Response: // nothing answers these
		return nil
	case agentx.CleanupSet:
		s.sets = sets{}
		return nil
	case agentx.Close:
		return errors.New("the AgentX master ended the session")
	}
	r := s.respond(p)
	return s.write(&agentx.PDU{Session: p.Session, Transaction: p.Transaction, Packet: p.Packet, Body: r})
}

func (s *session) respond(p *agentx.PDU) agentx.Response {
	switch {
	case p.Session != s.id:
		return agentx.Response{Error: agentx.NotOpen}
	case len(p.Context) > 0:
		return agentx.Response{Error: agentx.UnsupportedContext}
	}
	switch m := p.Body.(type) {
	case agentx.TestSet:
		return s.test(p.Transaction, m.VarBinds)
	case agentx.CommitSet:
		return s.commit(p.Transaction)
	case agentx.UndoSet:
		return s.undo(p.Transaction)
	case agentx.Get, agentx.GetNext, agentx.GetBulk:
	default:
		return agentx.Response{Error: agentx.ProcessingError}
	}
	tree := s.o.Tree()
	if tree == nil {
		return agentx.Response{Error: agentx.GenErr, Index: 1}
	}
	return look(tree, p.Body)
}

// look answers a request out of a tree.
func look(tree *mib.Tree, body agentx.Body) agentx.Response {
	var a answer
	switch m := body.(type) {
	case agentx.Get:
		for i := range m.Ranges {
			a.add(tree.Get(m.Ranges[i].Start))
		}
	case agentx.GetNext:
		for i := range m.Ranges {
			a.add(tree.Next(m.Ranges[i]))
		}
	case agentx.GetBulk:
		a.bulk(tree, &m)
	}
	if a.full {
		// A Get has to have all of it: what is that long does not fit SNMP either.
		if body.Kind() != agentx.KindGetBulk {
			return agentx.Response{Error: agentx.GenErr, Index: 1}
		}
	}
	return agentx.Response{VarBinds: a.vars}
}

// answer collects objects while there is room.
type answer struct {
	vars []agentx.VarBind
	used int
	full bool
}

func (a *answer) add(v agentx.VarBind) bool {
	a.used += v.Room()
	if a.full = a.full || len(a.vars) == maxAnswer || a.used > roomAnswer; a.full {
		return false
	}
	a.vars = append(a.vars, v)
	return true
}

// bulk answers a GetBulk (RFC 2741 §7.2.3.3): the first ranges once, of the
// others one object each, and again from there.
func (a *answer) bulk(tree *mib.Tree, m *agentx.GetBulk) {
	once := min(int(m.NonRepeaters), len(m.Ranges))
	for i := range once {
		if !a.add(tree.Next(m.Ranges[i])) {
			return
		}
	}
	rest := m.Ranges[once:]
	for range m.MaxRepetitions {
		more := false
		for i := range rest {
			v := tree.Next(rest[i])
			if !a.add(v) {
				return
			}
			if v.Type != agentx.EndOfMIBView {
				more = true
				rest[i].Start, rest[i].Include = v.Name, false
			}
		}
		if !more {
			return
		}
	}
}
