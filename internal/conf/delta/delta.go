// Package delta finds what of a configuration need not be read to tell it from
// another one: virtual_server blocks that both have, word for word, with the
// same around them. Where thousands of servers are, most reloads change one.
//
// It is right or it says nothing. A block is left out only if what it says is
// nobody else's matter (conf.Local), nothing was wrong with it when it was
// read before, no other block is of its address, and no text has anything that
// works across lines: definitions, conditions, sequences. All that is not a
// virtual_server must be the same, in the same order; whoever asks reads
// everything otherwise.
package delta

import (
	"slices"

	"github.com/holdfast-ha/holdfast/internal/conf/expand"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
)

// Delta compares a configuration that was read (have) with one that is being
// read (want), file by file as they are opened.
type Delta struct {
	// Services and Servers count the virtual_server and real_server blocks of
	// want that were left out.
	Services, Servers int

	// Sample has a server of each file read though nothing about it has changed,
	// for who wants to try out what reading does.
	Sample bool

	past   *Past
	alike  func(name string) (source.Alike, bool)
	files  map[string]*file
	order  []string // of want's files
	again  []string // of have's
	seen   hashes
	failed bool
}

// file is a file that both have, compared.
type file struct {
	*change
	left, right    []expand.Hole // of have and of want
	services, real int
}

// New returns a Delta from a configuration that was read. alike tells what a
// file has in common with the one of that name there, which is not looked at
// then; nil: it is found out.
func New(past *Past, alike func(name string) (source.Alike, bool)) *Delta {
	return &Delta{past: past, alike: alike, files: map[string]*file{}, seen: hashes{}}
}

// Want gives what may be left out of a file of the new configuration, when it
// is opened.
func (d *Delta) Want(name, text string) []expand.Hole {
	d.order = append(d.order, name)
	f := d.files[name]
	if f == nil && !d.failed {
		if f = d.compare(name, text); f == nil {
			d.failed = true
			return nil
		}
		d.files[name] = f
	}
	if d.failed {
		return nil
	}
	d.Services, d.Servers = d.Services+f.services, d.Servers+f.real
	return f.right
}

func (d *Delta) compare(name, text string) *file {
	have := d.past.side(name)
	if have == nil {
		return nil
	}
	alike, known := source.Alike{}, false
	if d.alike != nil {
		alike, known = d.alike(name)
	}
	if !known || alike.Head+alike.Tail > min(len(have.text), len(text)) { // the text lacks its byte order mark
		alike = source.Compare(have.text, text)
	}
	f := &file{change: have.compare(text, alike, &d.past.words)}
	if f.change == nil || !f.note(d.seen) {
		return nil
	}
	if d.Sample {
		f.sample(d.seen)
	}
	f.left, f.right = f.holes(d.seen)
	f.services, f.real = f.count(d.seen)
	return f
}

// Again gives what Want gave, to who reads the new configuration once more.
func (d *Delta) Again(name, _ string) []expand.Hole {
	if f := d.files[name]; f != nil && !d.failed {
		return f.right
	}
	return nil
}

// Sound reports, when want has been read, whether nothing was left out that
// matters. If it does not, all of want has to be read.
func (d *Delta) Sound() bool {
	if d.failed {
		return d.Services == 0
	}
	for _, f := range d.files {
		if n, _ := f.count(d.seen); n < f.services { // one has an address that was seen in another file
			return false
		}
	}
	return true
}

// Have gives what may be left out of a file of the old configuration.
func (d *Delta) Have(name, _ string) []expand.Hole {
	d.again = append(d.again, name)
	if f := d.files[name]; f != nil && !d.failed {
		return f.left
	}
	return nil
}

// Same reports, when have has been read, whether it was made of the same files
// as want; if it was not, all of both has to be read.
func (d *Delta) Same() bool { return !d.failed && slices.Equal(d.order, d.again) }
