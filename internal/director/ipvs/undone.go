package ipvs

import (
	"iter"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// Undone are the steps that Sets took since the last call to undo what others
// did to the table: a refusal showed it before an audit did.
func (d *Director) Undone() []director.Op {
	done := d.undone
	d.undone = nil
	return done
}

// step is what tells steps apart.
type step struct {
	verb    director.Verb
	service lvs.ServiceKey
	server  lvs.ServerKey
}

func stepOf(op director.Op) step { return step{op.Verb, op.Service, op.Server} }

func steps(ops iter.Seq[director.Op]) map[step]bool {
	out := map[step]bool{}
	for op := range ops {
		out[stepOf(op)] = true
	}
	return out
}
