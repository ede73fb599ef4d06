package bfd

import (
	"fmt"
	"time"

	"github.com/holdfast-ha/holdfast/internal/wire"
)

// Verdict is what a session means to who tracks it, as the BFD child tells the
// others.
type Verdict struct {
	Name string `json:"name"`
	Up   bool   `json:"up"`
	Why  string `json:"why,omitempty"` // why it is down; empty when up
}

// Settling is how long a session that has just begun may take to come up
// before it counts as down: until then nothing is known of it. It allows for
// as many lost packets as the usual session.
func (c *Config) Settling() time.Duration { return 3 * max(c.IdleTx, SlowTx) }

// Why says in a clause why the session went down.
func (b Become) Why() string {
	switch {
	case b.Diag == wire.BFDDetectExpired:
		return fmt.Sprintf("%s after %v", b.Diag, b.Detect)
	case b.Orderly:
		return "the neighbour took it down (administratively down)"
	case b.Diag == wire.BFDNeighbourDown && b.Their != wire.BFDNoDiag:
		return fmt.Sprintf("%s (%s)", b.Diag, b.Their)
	}
	return b.Diag.String()
}
