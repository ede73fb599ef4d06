package proxyd

import "sync"

// gate lets as many through as its limit says, which may change meanwhile. One
// goroutine at a time waits before it; many may leave.
type gate struct {
	mu          sync.Mutex
	limit, used int           // limit 0: none
	wake        chan struct{} // capacity 1: something changed
}

func newGate() *gate { return &gate{wake: make(chan struct{}, 1)} }

// enter waits for a place until stop is closed.
func (g *gate) enter(stop <-chan struct{}) bool {
	for !g.try() {
		select {
		case <-g.wake:
		case <-stop:
			return false
		}
	}
	return true
}

// try takes a place if there is one.
func (g *gate) try() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.limit > 0 && g.used >= g.limit {
		return false
	}
	g.used++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	g.used--
	g.mu.Unlock()
	g.changed()
}

// set changes the limit; those who are through stay.
func (g *gate) set(limit int) {
	g.mu.Lock()
	g.limit = limit
	g.mu.Unlock()
	g.changed()
}

func (g *gate) changed() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}
