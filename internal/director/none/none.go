// Package none is the director that directs nothing: it remembers what it is
// told and says so. It is for machines whose services are only watched
// (lvs_director none) and for tests of those who use a director.
package none

import (
	"context"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// Director remembers the wanted table. Only one goroutine uses it.
type Director struct{ have lvs.Table }

var _ director.Director = (*Director)(nil)

// New returns a director that has been told nothing yet.
func New() *Director { return &Director{have: lvs.Table{}} }

// Name is "none".
func (d *Director) Name() string { return "none" }

// Set remembers want.
func (d *Director) Set(_ context.Context, want lvs.Table) (director.Changes, error) {
	var changes director.Changes
	want = director.Wanted(want, d.have)
	for op := range director.Steps(d.have, want) {
		changes.Count(op)
	}
	d.have = director.Owned(want)
	return changes, nil
}

// Read returns what was remembered.
func (d *Director) Read(context.Context) (lvs.Table, error) { return director.Clone(d.have), nil }

// Close forgets, unless keep.
func (d *Director) Close(_ context.Context, keep bool) error {
	if !keep {
		d.have = lvs.Table{}
	}
	return nil
}
