package bfd

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-ha/holdfast/internal/wire"
)

// Verdict is what a session means to who tracks it, as the BFD child tells the
// others.
type Verdict struct {
	Name string `json:"name"`
	Up   bool   `json:"up"`
	Why  string `json:"why,omitempty"` // in a clause, with the neighbour's address
}

// Settling is how long a session that has just begun may take to come up
// before it counts as down: until then nothing is known of it. It allows for
// as many lost packets as the usual session.
func (c *Config) Settling() time.Duration { return 3 * max(c.IdleTx, SlowTx) }

// Why says in a clause why the session with a neighbour went down.
func (b Become) Why(neighbour netip.Addr) string {
	switch {
	case b.Diag == wire.BFDDetectExpired:
		return fmt.Sprintf("%s after %v, exceeded by %v: nothing is heard from %s", b.Diag, b.Detect, b.Late.Round(time.Microsecond), neighbour)
	case b.Orderly:
		return fmt.Sprintf("%s took it down (%s)", neighbour, wire.BFDDiagAdminDown)
	case b.Diag == wire.BFDNeighbourDown:
		return fmt.Sprintf("%s signalled session down (%s)", neighbour, b.Their)
	}
	return b.Diag.String()
}

// WhyUp says in a clause why the session with a neighbour is up.
func (v View) WhyUp(neighbour netip.Addr) string {
	return fmt.Sprintf("%s answers, detection time %v", neighbour, v.Detect)
}

// WhyNot says in a clause why the session with a neighbour has not come up.
func (v View) WhyNot(neighbour netip.Addr) string {
	if v.Remote == 0 {
		return "nothing is heard from " + neighbour.String()
	}
	return fmt.Sprintf("%s answers, but has not come up: it is %s, we are %s", neighbour, v.RemoteState, v.State)
}
