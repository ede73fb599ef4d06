package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"net/netip"
	"slices"
	"time"
)

// TrailerLen is the length of what HMAC appends to an advert
// (draft-cassen-vrrp-auth-hmac).
const TrailerLen = 28

const (
	trailerTyp = 1  // HMAC-SHA256, truncated
	trailerSeq = 4  // where the sequence begins
	trailerMAC = 12 // where the digest begins
	digestLen  = 16
	pseudoLen  = 20 // family, version, VRID, 0, source

	// strangers is how many senders are remembered that were not named. The
	// routers of one multicast link are few.
	strangers = 4
)

// HMACKey is a key by the number that goes into trailers, 1–255.
type HMACKey struct {
	ID     uint8
	Secret []byte // 32–64 bytes
}

// HMACConfig is how the adverts of one virtual router are authenticated.
type HMACConfig struct {
	Keys   []HMACKey
	Active uint8 // signs; 0: nothing is sent
	// Window is how far clocks may differ, whole seconds; 0: sequences need only
	// grow (anti_replay monotonic).
	Window time.Duration
	// Peers have a mark each; of other senders the latest few are remembered.
	Peers []netip.Addr
}

// HMAC signs and verifies the adverts of one virtual router, and remembers what
// it sent and heard, so that nothing is heard twice. Both families and versions.
type HMAC struct {
	keys   []digest
	active int // index of keys, -1
	window time.Duration

	sent  uint64 // the sequence of the last trailer
	peers []mark
	rest  []mark // least recently heard first

	head    [pseudoLen]byte
	trailer [TrailerLen]byte
	sum     [sha256.Size]byte
}

type digest struct {
	id  uint8
	mac hash.Hash
}

// mark is the last sequence that was accepted from a sender.
type mark struct {
	from netip.Addr
	seq  uint64
	set  bool
}

// NewHMAC is for one virtual router.
func NewHMAC(c HMACConfig) *HMAC {
	h := &HMAC{rest: make([]mark, 0, strangers)}
	h.Configure(c)
	return h
}

// Configure changes keys, window and peers; what was sent and heard stays known.
func (h *HMAC) Configure(c HMACConfig) {
	h.keys, h.active, h.window = nil, -1, c.Window
	for _, k := range c.Keys {
		if k.ID == c.Active {
			h.active = len(h.keys)
		}
		h.keys = append(h.keys, digest{k.ID, hmac.New(sha256.New, k.Secret)})
	}
	known := slices.Concat(h.peers, h.rest)
	h.peers, h.rest = make([]mark, 0, len(c.Peers)), h.rest[:0]
	for _, p := range c.Peers {
		h.peers = append(h.peers, mark{from: p})
	}
	for _, m := range known {
		if m.set {
			*h.mark(m.from) = m
		}
	}
}

// Signs reports whether adverts are sent with a trailer.
func (h *HMAC) Signs() bool { return h.active >= 0 }

// Window is how far clocks may differ, 0 if that does not count.
func (h *HMAC) Window() time.Duration { return h.window }

// Sign makes the trailer of an advert from src at that time, in nanoseconds
// since the Unix epoch. It is the same for every destination, and good until
// the next call. Signs must be true.
func (h *HMAC) Sign(advert []byte, src netip.Addr, wall int64) []byte {
	now := sequence(wall)
	next := h.sent + 1
	if h.sent == 0 || !after(next, now) || h.window > 0 && apart(next, now) > h.window {
		next = now
	}
	h.sent = next
	k := &h.keys[h.active]
	t := h.trailer[:]
	t[0], t[1], t[2], t[3] = trailerTyp, k.id, 0, 0
	binary.BigEndian.PutUint64(t[trailerSeq:], next)
	copy(t[trailerMAC:], h.digest(k, advert, t, src))
	return t
}

// Verify judges an advert and its trailer, heard from src at that time. Good
// ones move the sender's mark on.
func (h *HMAC) Verify(advert, trailer []byte, src netip.Addr, wall int64) Fault {
	now := sequence(wall)
	seq := binary.BigEndian.Uint64(trailer[trailerSeq:])
	switch {
	case trailer[0] != trailerTyp, trailer[2] != 0, trailer[3] != 0:
		return ExtMalformed
	case h.window > 0 && apart(seq, now) > h.window:
		return ExtStale // before any digest: a flood of old captures costs nothing
	}
	at := slices.IndexFunc(h.keys, func(k digest) bool { return k.id == trailer[1] })
	if at < 0 {
		return ExtUnknownKey
	}
	if !hmac.Equal(h.digest(&h.keys[at], advert, trailer, src), trailer[trailerMAC:TrailerLen]) {
		return ExtInvalid
	}
	m := h.mark(src)
	expired := h.window > 0 && apart(m.seq, now) > h.window
	if m.set && !expired && !after(seq, m.seq) {
		return ExtReplay
	}
	m.seq, m.set = seq, true
	return Good
}

// mark is that of a sender. One that was not named takes the place of the one
// that was heard least recently.
func (h *HMAC) mark(from netip.Addr) *mark {
	for i := range h.peers {
		if h.peers[i].from == from {
			return &h.peers[i]
		}
	}
	for i := range h.rest {
		if m := h.rest[i]; m.from == from {
			copy(h.rest[i:], h.rest[i+1:])
			h.rest[len(h.rest)-1] = m
			return &h.rest[len(h.rest)-1]
		}
	}
	if len(h.rest) < strangers {
		h.rest = append(h.rest, mark{})
	} else {
		copy(h.rest, h.rest[1:])
	}
	last := &h.rest[len(h.rest)-1]
	*last = mark{from: from}
	return last
}

var zeros [digestLen]byte

// digest is over a pseudo-header, the advert with its checksum as zero, and the
// trailer with its digest as zero.
func (h *HMAC) digest(k *digest, advert, trailer []byte, src netip.Addr) []byte {
	h.head = [pseudoLen]byte{4, advert[0] >> 4, advert[1]}
	if src.Is6() && !src.Is4In6() {
		h.head[0] = 6
		raw := src.As16()
		copy(h.head[4:], raw[:])
	} else {
		raw := src.As4()
		copy(h.head[4:], raw[:])
	}
	k.mac.Reset()
	k.mac.Write(h.head[:])
	k.mac.Write(advert[:6])
	k.mac.Write(zeros[:2])
	k.mac.Write(advert[8:])
	k.mac.Write(trailer[:trailerMAC])
	k.mac.Write(zeros[:])
	return k.mac.Sum(h.sum[:0])[:digestLen]
}

// AppendTrailer appends a trailer to an advert from src to dst that begins at
// start in b. Over IPv6 the checksum covers both (RFC 3542 §3.1 has the kernel
// reckon it over all that is sent), over IPv4 it stays what it was.
func AppendTrailer(b []byte, start int, trailer []byte, src, dst netip.Addr) []byte {
	b = append(b, trailer...)
	if p := b[start:]; src.Is6() && !src.Is4In6() {
		p[6], p[7] = 0, 0
		binary.BigEndian.PutUint16(p[6:], checksum(pseudoSum(Protocol, len(p), src, dst), p))
	}
	return b
}

// Ahead is how far the clock of a trailer's sender is before that time, behind
// it when negative, to the millisecond; and which key it names.
func Ahead(trailer []byte, wall int64) (by time.Duration, key uint8) {
	seq, now := binary.BigEndian.Uint64(trailer[trailerSeq:]), sequence(wall)
	by = apart(seq, now).Round(time.Millisecond)
	if !after(seq, now) {
		by = -by
	}
	return by, trailer[1]
}

// sequence is a time as trailers have it: seconds, 2⁻¹⁶ of one, and a counter.
func sequence(wall int64) uint64 {
	sec, sub := uint64(wall/int64(time.Second)), uint64(wall%int64(time.Second)) // after 1970
	return sec<<32 | sub<<16/uint64(time.Second)<<16
}

// after compares as RFC 1982 has it: sequences wrap in the year 2106.
func after(a, b uint64) bool { return int64(a-b) > 0 } // that is the point

// apart is how far two sequences are from each other in time.
func apart(a, b uint64) time.Duration {
	d := int64(a - b) // as in after
	if d < 0 {
		d = -max(d, -1<<62)
	}
	return time.Duration(d>>32)*time.Second + time.Duration(d&0xffffffff)*time.Second>>32
}
