package director

import (
	"iter"
	"maps"
	"slices"

	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// Book is what a director knows of its table: what is there, and what is still
// to become different. Both together are what is wanted, so that nobody keeps
// the table a second time, and a change costs what it says and no more.
type Book struct {
	// Kernel: the table is a kernel's, without what only the embedded director
	// knows.
	Kernel bool
	have   lvs.Table // canonical, and its maps are ours
	due    lvs.Delta // canonical
}

// Have is what is there as far as is known; it is the book's.
func (b *Book) Have() lvs.Table { return b.have }

// Take notes what is to become different.
func (b *Book) Take(d lvs.Delta) {
	if d.All {
		for key := range b.Keys() {
			b.due.Put(key, lvs.ServiceDelta{Gone: true})
		}
	}
	if b.due.Services == nil {
		b.due.Services = make(map[lvs.ServiceKey]lvs.ServiceDelta, len(d.Services))
	}
	for key, c := range d.Services {
		key = Canonical(key)
		b.due.Put(key, canonical(key, c, b.Kernel))
	}
}

// Keys are the services that are there, as far as is known, or are to change.
func (b *Book) Keys() iter.Seq[lvs.ServiceKey] {
	return func(yield func(lvs.ServiceKey) bool) {
		for key := range b.have {
			if !yield(key) {
				return
			}
		}
		for key := range b.due.Services {
			if _, twice := b.have[key]; !twice && !yield(key) {
				return
			}
		}
	}
}

// Knows reports whether a service is one of Keys.
func (b *Book) Knows(key lvs.ServiceKey) bool {
	_, there := b.have[key]
	_, due := b.due.Services[key]
	return there || due
}

// Want is a service as it is wanted, if it is; it is the book's.
func (b *Book) Want(key lvs.ServiceKey) (lvs.Service, bool) {
	s, there := b.have[key]
	c, due := b.due.Services[key]
	switch {
	case !due:
		return s, there
	case c.Gone:
		return lvs.Service{}, false
	case c.Service != nil:
		return *c.Service, true
	case !there:
		return lvs.Service{}, false
	}
	s.Servers = maps.Clone(s.Servers)
	one := lvs.Table{key: s}
	one.Apply(lvs.Delta{Services: map[lvs.ServiceKey]lvs.ServiceDelta{key: c}})
	return one[key], true
}

// Steps are what is to be done, see Steps.
func (b *Book) Steps() iter.Seq[Op] { return Steps(b.have, b.due) }

// Done: all steps were taken.
func (b *Book) Done() {
	if b.have == nil {
		b.have = make(lvs.Table, len(b.due.Services))
	}
	b.have.Apply(b.due)
	b.due = lvs.Delta{}
}

// Partly: of the steps the first n were tried, and those whose places are in
// failed, in order, were not taken.
func (b *Book) Partly(n int, failed []int) {
	if b.have == nil {
		b.have = lvs.Table{}
	}
	place := 0
	for _, op := range slices.Collect(b.Steps()) {
		if place == n {
			break
		}
		if len(failed) > 0 && failed[0] == place {
			failed = failed[1:]
		} else {
			op.Apply(b.have)
		}
		place++
	}
	maps.DeleteFunc(b.due.Services, func(key lvs.ServiceKey, c lvs.ServiceDelta) bool {
		h, exists := b.have[key]
		return !differs(h, exists, c)
	})
}

// Saw: a service is really there, and it is as it is wanted.
func (b *Book) Saw(key lvs.ServiceKey, want lvs.Service) {
	b.set(key, want)
	delete(b.due.Services, key)
}

// Found: a service is really there, but otherwise than it is wanted.
func (b *Book) Found(key lvs.ServiceKey, is lvs.Service) {
	want, wanted := b.Want(key)
	b.set(key, is)
	if wanted {
		b.due.Put(key, lvs.ServiceDelta{Service: &want})
	} else {
		b.due.Put(key, lvs.ServiceDelta{Gone: true})
	}
}

// Missed: of all services only those that there says are there.
func (b *Book) Missed(there func(lvs.ServiceKey) bool) {
	for key, is := range b.have {
		if there(key) {
			continue
		}
		if want, wanted := b.Want(key); wanted {
			is = want
			b.due.Put(key, lvs.ServiceDelta{Service: &is})
		} else {
			delete(b.due.Services, key)
		}
		delete(b.have, key)
	}
}

// Forget: nothing is there any more, and nothing is wanted.
func (b *Book) Forget() { b.have, b.due = nil, lvs.Delta{} }

func (b *Book) set(key lvs.ServiceKey, s lvs.Service) {
	if b.have == nil {
		b.have = lvs.Table{}
	}
	b.have[key] = s
}
