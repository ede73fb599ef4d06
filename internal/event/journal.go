package event

import "slices"

const (
	// JournalCapacity is how many records a flight recorder keeps of one speaker.
	JournalCapacity = 4096
	// JournalBytes bounds them together, in bytes as they are encoded: 1 KiB each,
	// several times what they are.
	JournalBytes = JournalCapacity << 10
)

// Journal is a flight recorder: the latest records, oldest first. It belongs
// to one goroutine. It keeps them encoded, in the pieces in which they came:
// many are written and few are ever read. The zero Journal keeps
// JournalCapacity records.
type Journal struct {
	// Capacity is set before the first Add, or stays what 0 means.
	Capacity int

	pieces [][]byte // each has at least one record; nobody writes to them
	count  int      // of records
	bytes  int
	lost   uint64
}

// Add notes a record; the oldest gives way.
func (j *Journal) Add(r Record) { j.AddEncoded(Append(nil, &r)) }

// AddEncoded notes what Append made of one record or several, which nobody may
// change from now on; the oldest give way. What is no record, and whatever
// comes after it, is left out.
func (j *Journal) AddEncoded(piece []byte) {
	n, size := 0, 0
	for _, rest, ok := cut(piece); ok; _, rest, ok = cut(rest) {
		n, size = n+1, len(piece)-len(rest)
	}
	if n == 0 {
		return
	}
	j.pieces = append(j.pieces, piece[:size])
	j.count += n
	j.bytes += size
	most := j.Capacity
	if most <= 0 {
		most = JournalCapacity
	}
	for j.count > most || j.bytes > JournalBytes {
		j.drop()
	}
}

// drop forgets the oldest record.
func (j *Journal) drop() {
	_, rest, _ := cut(j.pieces[0])
	j.bytes -= len(j.pieces[0]) - len(rest)
	j.count--
	j.lost++
	if j.pieces[0] = rest; len(rest) == 0 {
		j.pieces[0] = nil
		j.pieces = j.pieces[1:]
	}
}

// Clone returns a copy, for somebody else to read, at little cost.
func (j *Journal) Clone() *Journal {
	c := *j
	c.pieces = slices.Clone(j.pieces)
	return &c
}

// Records returns a copy of what is kept, oldest first.
func (j *Journal) Records() []Record {
	out := make([]Record, 0, j.count)
	for _, rest := range j.pieces {
		for len(rest) > 0 {
			var r Record
			var ok bool
			if r, rest, ok = Parse(rest); ok {
				out = append(out, r)
			}
		}
	}
	return out
}

// Lost returns how many records are no longer kept, or were lost before they
// came here.
func (j *Journal) Lost() uint64 { return j.lost }

// Lose notes that so many never came.
func (j *Journal) Lose(n uint64) { j.lost += n }
