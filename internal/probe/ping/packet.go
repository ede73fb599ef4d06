package ping

import "encoding/binary"

// The types of messages (RFC 792, RFC 4443 §4.1 and §4.2).
const (
	requestV4, replyV4 = 8, 0
	requestV6, replyV6 = 128, 129
)

// headerLen is the length of an echo's header, in bytes; requestLen that of a
// whole request, as ping(8) makes it.
const (
	headerLen  = 8
	requestLen = headerLen + 56
)

// form is how packets look on a socket.
type form struct {
	v6  bool
	raw bool // with the header of IPv4; the kernel fills in nothing
}

// token tells a reply to our request from all others.
type token [16]byte

// request makes a packet.
func request(f form, t token) []byte {
	b := make([]byte, requestLen)
	b[0] = requestV4
	if f.v6 {
		b[0] = requestV6
	}
	copy(b[4:], t[:2])                    // the identifier, unless the kernel has its own
	binary.BigEndian.PutUint16(b[6:8], 1) // the sequence number
	copy(b[headerLen:], t[:])
	if f.raw && !f.v6 { // the kernel does it otherwise
		binary.BigEndian.PutUint16(b[2:4], checksum(b))
	}
	return b
}

// isReply reports whether b is the reply to the request with a token.
func isReply(b []byte, f form, t token) bool {
	if f.raw && !f.v6 {
		if len(b) < 20 || b[0]>>4 != 4 {
			return false
		}
		n := int(b[0]&0xf) * 4
		if n < 20 || n > len(b) {
			return false
		}
		b = b[n:]
	}
	want := byte(replyV4)
	if f.v6 {
		want = replyV6
	}
	return len(b) >= headerLen+len(t) && b[0] == want && b[1] == 0 && token(b[headerLen:headerLen+len(t)]) == t
}

// checksum is that of RFC 1071; b has an even length.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum) // folded
}
