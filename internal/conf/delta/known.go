package delta

import (
	"encoding/binary"
	"io"
	"net/netip"
	"slices"
	"strings"
	"unsafe"

	"github.com/holdfast-ha/holdfast/internal/conf/expand"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
)

// Known is a configuration of which it is known where its servers are. What the
// next one shares with it is then found without a look at what is in it: only
// what differs is scanned, and of the rest no more is known than that it is the
// same. It is never changed.
type Known struct {
	set    *source.Set
	bytes  io.ReaderAt // the set as it was marshalled
	opened []string    // its files, as they were opened
	files  map[string][]part
	words  Keywords
}

// Learn finds where the servers of a set are. opened are the files that were
// read of it, and wrong the lines, by file and in order, that something was said
// about. It returns nil where there is more to one of them than can be compared.
func Learn(set *source.Set, opened []string, wrong map[string][]int32, words Keywords) *Known {
	words.known = map[string]bool{}
	k := &Known{set: set, opened: opened, files: map[string][]part{}, words: words}
	for _, name := range opened {
		if _, twice := k.files[name]; twice {
			continue
		}
		data, err := set.Read(name)
		if err != nil {
			return nil
		}
		s, ok := learn(text(data), wrong[name], &words)
		if !ok {
			return nil
		}
		k.files[name] = slices.Clip(s.parts)
	}
	return k
}

// learn finds where the servers of a text are; ok is false where there is more to
// it than can be compared.
func learn(text string, wrong []int32, words *Keywords) (s side, ok bool) {
	s.text = text
	if s.parts, ok = scan(text, words); ok {
		s.identify(0, len(s.parts))
		s.avoid(wrong)
	}
	return s, ok
}

// At says where the set is kept, which need not be where it was when it was
// learnt: who has it in a file needs not have it in memory.
func (k *Known) At(set *source.Set, bytes io.ReaderAt) *Known {
	at := *k
	at.set, at.bytes = set, bytes
	return &at
}

// text is what a set has, which never changes.
func text(data []byte) string { return unsafe.String(unsafe.SliceData(data), len(data)) }

// identify finds the addresses of the servers from i to j.
func (s *side) identify(i, j int) {
	for ; i < j; i++ {
		if p := &s.parts[i]; s.virtual(i) {
			if k, ok := s.key(i); ok {
				p.key = hash(k)
			}
		}
	}
}

// virtual reports whether a part is a virtual_server, or a group of them, on lines
// of its own or not.
func (s *side) virtual(i int) bool {
	word, _ := next(s.of(i))
	return strings.HasPrefix(word, "virtual_server")
}

// hash is never 0. Two addresses that share one are read together, that is all.
func hash(k netip.AddrPort) uint64 {
	const prime = 0x100000001b3 // of FNV-1a, here by words
	b := k.Addr().As16()
	h := uint64(k.Port())
	for _, w := range [...]uint64{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])} {
		h = (h ^ w) * prime
		h ^= h >> 32
	}
	return h | 1
}

// Step is what is between two configurations.
type Step struct {
	// Have and Want are both without what they share, but for a line of it where
	// it was. They share no memory with the sets that they come from, and are
	// read with SkipHave and SkipWant.
	Have, Want *source.Set
	// Services and Servers count the virtual_server and real_server blocks of
	// Want that are left out.
	Services, Servers int
	// Moved: a block that is left out has not as many before it as it had.
	Moved bool

	known      *Known
	next       map[string][]part
	had, wants map[string][]expand.Hole
	opened     [2][]string
}

// Next compares a set, of which the marshalled bytes are given, too, with what
// is known; nil: there is no way to leave something out.
func (k *Known) Next(set *source.Set, bytes io.ReaderAt) *Step {
	words := k.words
	words.known = map[string]bool{}
	s := &Step{known: k, next: map[string][]part{}, had: map[string][]expand.Hole{}, wants: map[string][]expand.Hole{}}
	seen, files := hashes{}, make(map[string]*change, len(k.files))
	for name := range k.files {
		c := k.compare(name, set, bytes, &words)
		if c == nil || !c.note(seen) {
			return nil
		}
		files[name] = c
	}
	have, want := map[string][]byte{}, map[string][]byte{}
	for name, c := range files {
		s.next[name] = c.want.parts
		left, right := c.holes(seen)
		have[name], s.had[name] = c.have.without(left)
		want[name], s.wants[name] = c.want.without(right)
		s.Moved = s.Moved || c.moved()
	}
	for _, name := range k.opened {
		services, servers := files[name].count(seen)
		s.Services, s.Servers = s.Services+services, s.Servers+servers
	}
	if s.Services == 0 {
		return nil
	}
	s.Have, s.Want = k.set.Apart(have), set.Apart(want)
	return s
}

// SkipHave says what is not read of a file of Have.
func (s *Step) SkipHave(name, _ string) []expand.Hole {
	s.opened[0] = append(s.opened[0], name)
	return s.had[name]
}

// SkipWant says what is not read of a file of Want.
func (s *Step) SkipWant(name, _ string) []expand.Hole {
	s.opened[1] = append(s.opened[1], name)
	return s.wants[name]
}

// Same reports, when both have been read, whether they are made of the same
// files; if they are not, all has to be read.
func (s *Step) Same() bool {
	return slices.Equal(s.opened[0], s.known.opened) && slices.Equal(s.opened[1], s.known.opened)
}

// Known is what is known of the set that was compared, with what was said about
// the part of it that was read.
func (s *Step) Known(set *source.Set, bytes io.ReaderAt, wrong map[string][]int32) *Known {
	for name, parts := range s.next {
		one := side{parts: parts}
		one.avoid(wrong[name])
	}
	return &Known{set: set, bytes: bytes, opened: s.known.opened, files: s.next, words: s.known.words}
}
