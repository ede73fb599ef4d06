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
type Director struct{ book director.Book }

var _ director.Director = (*Director)(nil)

// New returns a director that has been told nothing yet.
func New() *Director { return &Director{} }

// Name is "none".
func (d *Director) Name() string { return "none" }

// Set remembers what changes.
func (d *Director) Set(_ context.Context, delta lvs.Delta) (director.Changes, error) {
	var changes director.Changes
	d.book.Take(delta)
	for op := range d.book.Steps() {
		changes.Count(op)
	}
	d.book.Done()
	return changes, nil
}

// Read returns what was remembered.
func (d *Director) Read(context.Context) (lvs.Table, error) {
	return director.Clone(d.book.Have()), nil
}

// Close forgets, unless keep.
func (d *Director) Close(_ context.Context, keep bool) error {
	if !keep {
		d.book.Forget()
	}
	return nil
}
