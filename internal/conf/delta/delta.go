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
	"unsafe"

	"github.com/holdfast-ha/holdfast/internal/conf/expand"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
)

// Delta compares a configuration that was read (have) with one that is being
// read (want), file by file as they are opened.
type Delta struct {
	// Services and Servers count the virtual_server and real_server blocks of
	// want that were left out.
	Services, Servers int

	set   *source.Set
	wrong map[string][]int32
	words Keywords

	files  map[string]*file
	order  []string // of want's files
	again  []string // of have's
	known  addresses
	failed bool
}

// Keywords say what a keyword within a virtual_server is.
type Keywords struct {
	Local  func(keyword string) bool // it is only about that server (conf.Local)
	Server func(keyword string) bool // it may stand there at all (conf.OfServer)

	known map[string]bool // what Server answered
}

// foreign reports whether a keyword must not stand in a virtual_server. The
// first that must not ends the comparison, so what is known is bounded.
func (k *Keywords) foreign(keyword string) bool {
	ours, known := k.known[keyword]
	if !known {
		ours = k.Server(keyword)
		k.known[keyword] = ours
	}
	return !ours
}

// file is a file that both have, compared.
type file struct {
	pairing
	left, right    []expand.Hole // of have and of want
	services, real int
}

// New returns a Delta from the configuration in a set. wrong has the lines, by
// file and in order, at which something was said about it; local says what
// keywords mean.
func New(have *source.Set, wrong map[string][]int32, words Keywords) *Delta {
	words.known = map[string]bool{}
	return &Delta{set: have, wrong: wrong, words: words, files: map[string]*file{}, known: addresses{}}
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
	data, err := d.set.Read(name)
	if err != nil {
		return nil
	}
	f, ok := &file{}, false
	f.have.text, f.want.text = unsafe.String(unsafe.SliceData(data), len(data)), text // the set never changes
	if f.have.parts, ok = scan(f.have.text, &d.words); !ok {
		return nil
	}
	if f.want.parts, ok = scan(f.want.text, &d.words); !ok {
		return nil
	}
	f.have.avoid(d.wrong[name])
	if !f.pair() || !d.known.note(&f.have) || !d.known.note(&f.want) {
		return nil
	}
	f.join(d.known)
	f.left, f.right = f.have.holes(), f.want.holes()
	for i := range f.want.parts {
		if p := &f.want.parts[i]; p.twin >= 0 {
			f.services, f.real = f.services+1, f.real+int(p.servers)
		}
	}
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
		if len(d.files) > 1 && f.join(d.known) > 0 {
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
