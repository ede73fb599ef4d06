package mib

import (
	"fmt"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/feed"
	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// maxWeight bounds what a weight can be set to, as the command does.
const maxWeight = 65535

// The objects that can be set: realServerWeight, vrrpInstanceBasePriority and
// vrrpInstancePreempt.
var (
	weightColumn   = check.With(4, 1, 7)
	priorityColumn = vrrp.With(3, 1, 7)
	preemptColumn  = vrrp.With(3, 1, 13)
)

// Change is what somebody wants otherwise: a Weight or a feed.Setting. Its
// String is what that is, for the log.
type Change interface{ String() string }

// Weight is what somebody wants a real server to weigh; the names are the
// checker child's.
type Weight struct {
	Service, Server string
	Weight          int // 0–65535
}

func (w Weight) String() string {
	return fmt.Sprintf("weight %d of service %s of VS %s", w.Weight, w.Server, w.Service)
}

// Test says what setting an object means, or why it cannot be set (RFC 3416
// §4.2.5).
func (t *Tree) Test(v agentx.VarBind) (Change, agentx.Error) {
	switch {
	case v.Name.Below(weightColumn):
		return t.testWeight(v)
	case v.Name.Below(priorityColumn), v.Name.Below(preemptColumn):
		return t.testRouter(v)
	}
	return nil, agentx.NotWritable
}

func (t *Tree) testWeight(v agentx.VarBind) (Change, agentx.Error) {
	at := slices.IndexFunc(t.servers, func(s server) bool { return s.index().Compare(v.Name[len(weightColumn):]) == 0 })
	switch n := v.Signed(); {
	case at < 0 || t.servers[at].sorry:
		return nil, agentx.NoCreation
	case v.Type != agentx.Integer:
		return nil, agentx.WrongType
	case n < 0 || n > maxWeight:
		return nil, agentx.WrongValue
	case t.servers[at].is == nil: // the checker child did not answer
		return nil, agentx.GenErr
	default:
		s := &t.servers[at]
		return Weight{Service: s.of.is.Name, Server: s.is.Name, Weight: n}, agentx.NoError
	}
}

// ownerPriority is that of a router whose own addresses they are (RFC 9568
// §5.2.4); nobody becomes that by being asked to.
const ownerPriority = 255

// testRouter is about an instance, whose columns have equally long names. A row
// that is not there is not writable with keepalived, either.
func (t *Tree) testRouter(v agentx.VarBind) (Change, agentx.Error) {
	at := slices.IndexFunc(t.routers, func(r router) bool {
		return byNumber(&r).Compare(v.Name[len(priorityColumn):]) == 0
	})
	if at < 0 {
		return nil, agentx.NotWritable
	}
	r, n := &t.routers[at], v.Signed()
	s := feed.Setting{Name: r.conf.Name}
	switch {
	case v.Type != agentx.Integer:
		return nil, agentx.WrongType
	case v.Name.Below(preemptColumn):
		if n != 1 && n != 2 { // TruthValue
			return nil, agentx.WrongValue
		}
		s.Preempt = choose(n == 1, feed.On, feed.Off)
	case n < 1 || n > ownerPriority || n == ownerPriority && r.conf.Priority != ownerPriority:
		return nil, agentx.WrongValue
	default:
		s.Priority = n
	}
	return s, agentx.NoError
}
