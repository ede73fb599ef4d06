// Package director is the one face of everything that can spread connections
// over real servers. Engines live in its subfolders; each is told the whole
// wanted table every time and writes only the difference.
package director

import (
	"context"

	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// Director applies wanted services. Methods are called by one owner at a time.
type Director interface {
	// Name is the word of lvs_director: "ipvs", "proxy", "none".
	Name() string
	// Set makes the director offer exactly want among the services that are
	// ours. It is idempotent: what failed is in the error and is tried again
	// with the next Set. The replacement is there before what it replaces goes.
	Set(ctx context.Context, want lvs.Table) (Changes, error)
	// Read returns what is really there.
	Read(ctx context.Context) (lvs.Table, error)
	// Close removes what is ours, unless keep, and releases resources.
	Close(ctx context.Context, keep bool) error
}

// Changes counts what Set wrote.
type Changes struct{ Added, Changed, Removed int }
