package flow

// Where descriptors are too few, attempts wait for one. Fifty thousand servers
// that do not answer hold theirs until their time is up; so that the rest is
// still checked meanwhile, those of whom nothing good is expected leave the
// others some (wellShare).

// wellShare is the part of the descriptors that attempts in doubt leave alone.
const wellShare = 4

// queue is a line of attempts, each of which can step out of it.
type queue[T any] struct{ first, last *attempt[T] }

func (q *queue[T]) push(a *attempt[T]) {
	a.before, a.behind = q.last, nil
	if q.last == nil {
		q.first = a
	} else {
		q.last.behind = a
	}
	q.last = a
}

func (q *queue[T]) remove(a *attempt[T]) {
	if a.before == nil {
		q.first = a.behind
	} else {
		a.before.behind = a.behind
	}
	if a.behind == nil {
		q.last = a.before
	} else {
		a.behind.before = a.before
	}
	a.before, a.behind = nil, nil
}

// enqueue has an attempt wait for a descriptor.
func (e *Engine[T]) enqueue(a *attempt[T]) {
	e.queued++
	if a.doubted {
		e.doubted.push(a)
		return
	}
	e.well.push(a)
}

func (e *Engine[T]) unqueue(a *attempt[T]) {
	e.queued--
	if a.doubted {
		e.doubted.remove(a)
		return
	}
	e.well.remove(a)
}

// next is who may have a descriptor now, nil if nobody waits or none is free.
func (e *Engine[T]) next() *attempt[T] {
	switch free := e.limit - len(e.open); {
	case free <= 0:
		return nil
	case e.well.first != nil:
		return e.well.first
	case free <= e.limit/wellShare:
		return nil
	}
	return e.doubted.first
}
