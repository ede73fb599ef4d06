package mib

import (
	"slices"

	"github.com/holdfast-ha/holdfast/internal/wire/agentx"
)

// maxWeight bounds what a weight can be set to, as the command does.
const maxWeight = 65535

// weightColumn is realServerWeight, the one object that can be set.
var weightColumn = check.With(4, 1, 7)

// Weight is what somebody wants a real server to weigh; the names are the
// checker child's.
type Weight struct {
	Service, Server string
	Weight          int // 0–65535
}

// Test says what setting an object means, or why it cannot be set (RFC 3416
// §4.2.5).
func (t *Tree) Test(v agentx.VarBind) (Weight, agentx.Error) {
	if !v.Name.Below(weightColumn) {
		return Weight{}, agentx.NotWritable
	}
	at := slices.IndexFunc(t.servers, func(s server) bool { return s.index().Compare(v.Name[len(weightColumn):]) == 0 })
	switch n := v.Signed(); {
	case at < 0 || t.servers[at].sorry:
		return Weight{}, agentx.NoCreation
	case v.Type != agentx.Integer:
		return Weight{}, agentx.WrongType
	case n < 0 || n > maxWeight:
		return Weight{}, agentx.WrongValue
	case t.servers[at].is == nil: // the checker child did not answer
		return Weight{}, agentx.GenErr
	default:
		s := &t.servers[at]
		return Weight{Service: s.of.is.Name, Server: s.is.Name, Weight: n}, agentx.NoError
	}
}
