package event

// JournalCapacity is how many records a flight recorder keeps of one speaker.
const JournalCapacity = 4096

// Journal is a flight recorder: the latest records, oldest first. It belongs
// to one goroutine. The zero Journal keeps JournalCapacity records.
type Journal struct {
	// Capacity is set before the first Add, or stays what 0 means.
	Capacity int

	ring []Record // grows up to the capacity
	head int      // the oldest, once the ring is full
	lost uint64
}

// Add notes a record; the oldest gives way.
func (j *Journal) Add(r Record) {
	most := j.Capacity
	if most <= 0 {
		most = JournalCapacity
	}
	if len(j.ring) < most {
		j.ring = append(j.ring, r)
		return
	}
	j.ring[j.head] = r
	j.head = (j.head + 1) % most
	j.lost++
}

// Records returns a copy of what is kept, oldest first.
func (j *Journal) Records() []Record {
	out := make([]Record, 0, len(j.ring))
	out = append(out, j.ring[j.head:]...)
	return append(out, j.ring[:j.head]...)
}

// Lost returns how many records are no longer kept, or were lost before they
// came here.
func (j *Journal) Lost() uint64 { return j.lost }

// Lose notes that so many never came.
func (j *Journal) Lose(n uint64) { j.lost += n }
