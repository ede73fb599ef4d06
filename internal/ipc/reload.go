package ipc

import "sync"

// Reloads reads the snapshots of a child's reloads beside its loop, one after
// the other, and answers the parent, which waits for each. Its fields are set
// before the first.
type Reloads[T any] struct {
	Conn  *Conn
	Read  func(snapshot []byte) (T, error) // may take its time: not on the loop
	Post  func(func()) bool                // has something done on the loop
	Adopt func(T)                          // on the loop

	hands   sync.WaitGroup
	reading sync.Mutex // held by the goroutine that reads, never by the loop
}

// Begin takes a snapshot; see Orders.Reload.
func (r *Reloads[T]) Begin(snapshot int) {
	r.hands.Go(func() {
		r.reading.Lock()
		defer r.reading.Unlock()
		var next T
		data, err := Take(snapshot)
		if err == nil {
			next, err = r.Read(data)
		}
		r.Post(func() { r.end(next, err) })
	})
}

func (r *Reloads[T]) end(next T, err error) {
	answer := Message{Kind: Reloaded}
	if err != nil {
		answer.Error = err.Error()
	} else {
		r.Adopt(next)
	}
	_ = r.Conn.Send(answer) // a parent that is gone is noticed by who reads
}

// Wait waits until nothing is read any more.
func (r *Reloads[T]) Wait() { r.hands.Wait() }
