// Package director is the one face of everything that can spread connections
// over real servers. Engines live in its subfolders (ipvs, proxy, none); each
// is told what becomes different in the wanted table and writes that (Book).
// directortest is the suite that every one of them passes.
//
// What ought to be offered is decided in package lvs. A new engine is a folder
// here, a run of the suite, and a word of lvs_director.
package director

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// Director applies wanted services. Methods are called by one owner at a time.
type Director interface {
	// Name is the word of lvs_director: "ipvs", "proxy", "none".
	Name() string
	// Set makes the director offer what it was told to until now, changed by d,
	// which it takes over. It costs what d says, not what there is. What failed
	// is in the error and is tried again with the next Set, also of an empty
	// delta: what was told is never told again. The replacement is there before
	// what it replaces goes. What is there already under a key of ours is taken
	// over as it is and changed to what is wanted.
	Set(ctx context.Context, d lvs.Delta) (Changes, error)
	// Read returns what is really there.
	Read(ctx context.Context) (lvs.Table, error)
	// Close removes what is ours, unless keep, and releases resources.
	Close(ctx context.Context, keep bool) error
}

// Changes counts what Set wrote, services and servers alike.
type Changes struct{ Added, Changed, Removed int }

// Auditor is a Director whose table somebody else can change.
type Auditor interface {
	// Audit is a Set of nothing new that believes nothing of what it wrote
	// before: it reads the table, and returns the steps that brought it back. It
	// does so part by part, so that what changes meanwhile need not wait for a
	// large table to be read: it is called again until it is over, with whatever
	// Sets there are between.
	Audit(ctx context.Context) (undone []Op, over bool, err error)
	// Undone returns the steps that Sets since the last call took to bring the
	// table back, where what others did was in their way.
	Undone() []Op
}

// Counter is a Director that counts connections and bytes.
type Counter interface {
	// Counters returns the figures of our services as they are now.
	Counters(ctx context.Context) (map[lvs.ServiceKey]ServiceCounters, error)
}

// Marker is a Director that can serve many addresses and ports by one service
// with a mark (nftables_ipvs in global_defs).
type Marker interface {
	// Mark replaces what is marked; the next Set or Audit brings it about, when
	// the services that it adds are there and those that it removes still are.
	Mark(m lvs.Marks)
}

// Flusher is a Director that can empty the whole table, others' services
// included (lvs_flush in global_defs).
type Flusher interface {
	Flush(ctx context.Context) error
}

// Timeouts are the times after which IPVS forgets an idle connection
// (lvs_timeouts in global_defs); whole seconds, 0 leaves one as it is.
type Timeouts struct{ TCP, TCPFin, UDP time.Duration }

// TimeoutSetter is a Director whose connection timeouts can be set.
type TimeoutSetter interface {
	SetTimeouts(ctx context.Context, t Timeouts) error
}

// Limiter is a Director that can hold so many connections at once and no more,
// of all services (proxy_max_connections in global_defs); 0: what it finds right.
type Limiter interface {
	SetLimit(ctx context.Context, connections int) error
}

// Expirer is a Director that can be told to forget the connections to servers
// that are gone (on_down expire).
type Expirer interface {
	// SetExpiry sees to it that they are forgotten, or, where it was us who
	// changed that, that all is as it was before. It says what it changed.
	SetExpiry(on bool) (changed []string, err error)
}

// Hearer is a Director that can lead packets of this machine to a virtual
// address to one real server, by a service with a mark (check_path vip).
type Hearer interface {
	// SetHearing has the machine take packets that come from its own addresses
	// on some interfaces, for so do the answers; "" stands for every one. What
	// it changed on others is put back. It says what it changed.
	SetHearing(interfaces []string) (changed []string, err error)
}

// Counters are totals since the service or server was added, and what it
// holds now.
type Counters struct {
	Connections        uint64 // scheduled
	InPackets, InBytes uint64 // from clients
	OutPackets         uint64
	OutBytes           uint64 // to clients; 0 with direct routing and tunnels
	Active, Inactive   uint32 // connections now; servers only
	Persistent         uint32 // remembered clients; servers only
	// Rates a second, as the kernel estimates them; IPVS only.
	ConnectionRate              uint64
	InPacketRate, OutPacketRate uint64
	InByteRate, OutByteRate     uint64

	Refused, Overloaded uint64 // proxy only: server refused; no server had room
	Evicted             uint64 // proxy only: UDP sessions ended early to make room for others
	Starved             uint64 // proxy only: attempts to accept or connect without descriptors, memory or ports left
}

// ServiceCounters are a service's totals and those of each server.
type ServiceCounters struct {
	Counters
	Servers map[lvs.ServerKey]Counters
}

// Unsupported says why a director cannot work here and what would help.
// errors.Is(err, errors.ErrUnsupported) holds.
type Unsupported struct {
	Director string // "ipvs"
	Missing  string // "the kernel module ip_vs"
	Help     string // "modprobe ip_vs, or lvs_director proxy"
	Err      error  // what came back; may be nil
}

// Error says all of it in one line.
func (u *Unsupported) Error() string {
	s := fmt.Sprintf("director %s needs %s (%s)", u.Director, u.Missing, u.Help)
	if u.Err != nil {
		s += ": " + u.Err.Error()
	}
	return s
}

// Unwrap makes errors.Is find both errors.ErrUnsupported and the cause.
func (u *Unsupported) Unwrap() []error { return []error{errors.ErrUnsupported, u.Err} }
