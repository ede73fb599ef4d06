package proxyd

import "sync"

// gate lets as many through as its limit says, which may change meanwhile.
// Nobody waits in it: who was refused may leave word, and is called when there
// is a place again, first come first called, to try once more. A place that is
// not taken then has to be left, so that the next one is called.
type gate struct {
	mu          sync.Mutex
	limit, used int // limit 0: none
	waiting     []func()
}

// try takes a place if there is one.
func (g *gate) try() bool { return g.enter(nil) }

// enter is try; without a place, call will be called once when there may be one.
func (g *gate) enter(call func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.limit > 0 && g.used >= g.limit {
		if call != nil {
			g.waiting = append(g.waiting, call)
		}
		return false
	}
	g.used++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	g.used--
	var next func()
	if len(g.waiting) > 0 {
		next, g.waiting = g.waiting[0], g.waiting[1:]
	}
	g.mu.Unlock()
	if next != nil {
		next()
	}
}

// set changes the limit; those who are through stay.
func (g *gate) set(limit int) {
	g.mu.Lock()
	g.limit = limit
	waiting := g.waiting
	g.waiting = nil
	g.mu.Unlock()
	for _, call := range waiting {
		call()
	}
}

// inside is how many are through.
func (g *gate) inside() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.used
}
