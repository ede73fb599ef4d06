package lab

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is a way for a back end to be of no use.
type Fault string

// The faults of a back end.
const (
	Healthy Fault = ""
	Refuse  Fault = "refuse" // nobody listens: the process has died
	Broken  Fault = "broken" // answers 503: the process lives, what it needs does not
	Hang    Fault = "hang"   // takes connections and never answers
)

// Backend is a small HTTP server on a node. It answers every path with its
// name, and can be made to fail.
type Backend struct {
	node    *Node
	address string

	mu      sync.Mutex
	fault   Fault
	server  *http.Server
	serving sync.WaitGroup // one server
	freed   chan struct{}  // closed when hanging requests may go

	served atomic.Uint64
}

// Backend starts a back end on the node, listening on an address such as ":80".
func (n *Node) Backend(address string) (*Backend, error) {
	b := &Backend{node: n, address: address}
	return b, b.listen()
}

// Served counts the requests answered well, health checks among them.
func (b *Backend) Served() uint64 { return b.served.Load() }

// Fail makes the back end fail in the given way; Fail(Healthy) heals it.
func (b *Backend) Fail(f Fault) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch f {
	case Healthy, Refuse, Broken, Hang:
	default:
		return fmt.Errorf("unknown fault %q: refuse, broken or hang", f)
	}
	b.fault = f
	b.stop()
	if f == Refuse {
		return nil
	}
	return b.start()
}

// Node is where it runs.
func (b *Backend) Node() *Node { return b.node }

// Close stops the back end.
func (b *Backend) Close() { _ = b.Fail(Refuse) }

func (b *Backend) listen() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.start()
}

func (b *Backend) start() error {
	ln, err := b.node.Listen("tcp", b.address)
	if err != nil {
		return fmt.Errorf("back end %s: %w", b.node.name, err)
	}
	b.freed = make(chan struct{})
	b.server = &http.Server{Handler: b.handler(b.fault, b.freed), ReadHeaderTimeout: 5 * time.Second}
	s := b.server
	b.serving.Go(func() { _ = s.Serve(ln) })
	return nil
}

func (b *Backend) stop() {
	if b.server != nil {
		close(b.freed)
		_ = b.server.Close()
		b.serving.Wait() // only then the listener is gone for sure
		b.server = nil
	}
}

func (b *Backend) handler(f Fault, freed <-chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch f {
		case Broken:
			http.Error(w, "out of order", http.StatusServiceUnavailable)
		case Hang:
			<-freed
		default:
			b.served.Add(1)
			_, _ = io.WriteString(w, b.node.name+"\n")
		}
	})
}
