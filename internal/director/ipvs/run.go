package ipvs

import (
	"context"
	"iter"

	"github.com/holdfast-ha/holdfast/internal/director"
)

// run writes a difference batch by batch, as it is found. What the kernel then
// has is what was wanted, unless it refused something (director.Book.Partly).
type run struct {
	d    *Director
	ctx  context.Context // a run is one call
	done func(director.Op)

	ops    []director.Op // of the batch
	first  uint32        // the sequence number of its first message
	wrote  int           // steps that the kernel has answered
	failed []failure
	gone   bool  // what was to be removed was not there
	places []int // theirs, in the order of the steps

	marked  bool // it was the firewall's turn
	markErr error
}

// write writes all steps. An error means that the outcome is not known.
func (r *run) write(steps iter.Seq[director.Op]) error {
	r.ops = r.d.ops[:0]
	defer clear(r.d.ops[:cap(r.d.ops)])
	for op := range steps {
		if !r.marked && takesAway(op) {
			if err := r.flush(); err != nil {
				return err
			}
			r.mark()
		}
		r.add(op)
		if len(r.ops) == maxBatch || len(r.d.batch.buf) >= maxBatchBytes {
			if err := r.flush(); err != nil {
				return err
			}
		}
	}
	if err := r.flush(); err != nil {
		return err
	}
	r.mark()
	return nil
}

func takesAway(op director.Op) bool {
	return op.Verb == director.RemoveServer || op.Verb == director.RemoveService
}

// mark changes the firewall's marks, between what is added and what is removed,
// unless something could not be added.
func (r *run) mark() {
	if !r.marked && len(r.failed) == 0 {
		r.markErr = r.d.marks.write()
	}
	r.marked = true
}

func (r *run) add(op director.Op) {
	d := r.d
	d.seq++
	if len(r.ops) == 0 {
		r.first = d.seq
		d.batch.reset()
	}
	d.batch.op(op, d.seq)
	r.ops = append(r.ops, op)
}

func (r *run) flush() error {
	if len(r.ops) == 0 {
		return nil
	}
	if err := r.ctx.Err(); err != nil {
		return err
	}
	errs, err := r.d.kernel.write(&r.d.batch, r.first)
	if err != nil {
		return err
	}
	for i, op := range r.ops {
		if e := errs[i]; e != nil && !alreadySo(op, e) {
			r.failed = append(r.failed, failure{op, e})
			r.places = append(r.places, r.wrote+i)
			continue
		}
		r.gone = r.gone || errs[i] != nil
		r.done(op)
	}
	r.wrote += len(r.ops)
	r.ops = r.ops[:0]
	return nil
}
