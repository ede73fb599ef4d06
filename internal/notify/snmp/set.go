package snmp

import (
	"fmt"
	"log/slog"

	"github.com/holdfast-ha/holdfast/internal/notify/snmp/mib"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// maxSets bounds the objects that one request sets.
const maxSets = 64

// sets are what a transaction has tested and not yet cleaned up (RFC 2741
// §7.2.4). A master has one at a time; of two the last counts.
type sets struct {
	transaction uint32
	wanted      []mib.Change
	done        bool // some of it
}

// test says whether all of it could be set, and keeps it.
func (s *session) test(transaction uint32, all []agentx.VarBind) agentx.Response {
	s.sets = sets{}
	tree := s.o.Tree()
	if tree == nil || len(all) > maxSets {
		return agentx.Response{Error: agentx.GenErr, Index: 1}
	}
	next := sets{transaction: transaction}
	for i := range all {
		w, no := tree.Test(all[i])
		if no != agentx.NoError {
			return agentx.Response{Error: no, Index: uint16(i + 1)} // at most maxSets
		}
		next.wanted = append(next.wanted, w)
	}
	s.sets = next
	return agentx.Response{}
}

// commit sets what was tested.
func (s *session) commit(transaction uint32) agentx.Response {
	if s.sets.transaction != transaction || len(s.sets.wanted) == 0 || s.sets.done {
		return agentx.Response{Error: agentx.CommitFailed, Index: 1}
	}
	for i, w := range s.sets.wanted {
		s.sets.done = true // who does not answer may have done it
		if err := s.o.Set(w); err != nil {
			s.o.Told(slog.LevelWarn, fmt.Sprintf("SNMP: %s is not set: %v", w, err))
			return agentx.Response{Error: agentx.CommitFailed, Index: uint16(i + 1)} // at most maxSets
		}
	}
	return agentx.Response{}
}

// undo: what is done is done; the next set may have it otherwise.
func (s *session) undo(transaction uint32) agentx.Response {
	done := s.sets.transaction == transaction && s.sets.done
	s.sets = sets{}
	if done {
		return agentx.Response{Error: agentx.UndoFailed, Index: 1}
	}
	return agentx.Response{}
}
