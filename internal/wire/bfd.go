package wire

import (
	"encoding/binary"
	"time"
)

// BFD's UDP ports: to the receiver of a single hop (RFC 5881 §4) and of several
// (RFC 5883 §5), and the range that packets are sent from.
const (
	BFDPort          = 3784
	BFDMultihopPort  = 4784
	BFDSourcePortMin = 49152
	BFDSourcePortMax = 65535
)

// BFDLen is the length of a BFD Control packet without authentication, in
// bytes.
const BFDLen = 24

const (
	bfdVersion  = 1
	bfdAuthLen  = BFDLen + 2 // with the shortest authentication section
	bfdMaxUsecs = 1<<32 - 1

	bfdPoll, bfdFinal, bfdIndependent = 1 << 5, 1 << 4, 1 << 3
	bfdAuth, bfdDemand, bfdMultipoint = 1 << 2, 1 << 1, 1 << 0
)

// BFDState is the state of a BFD session (RFC 5880 §4.1).
type BFDState uint8

// The states, as packets have them.
const (
	BFDAdminDown BFDState = iota
	BFDDown
	BFDInit
	BFDUp
)

var bfdStates = [...]string{BFDAdminDown: "AdminDown", BFDDown: "Down", BFDInit: "Init", BFDUp: "Up"}

// String is the state's name in RFC 5880.
func (s BFDState) String() string { return bfdStates[s&3] }

// BFDDiag says why a session was last taken from Up (RFC 5880 §4.1).
type BFDDiag uint8

// The diagnostic codes that we send.
const (
	BFDNoDiag        BFDDiag = 0
	BFDDetectExpired BFDDiag = 1
	BFDNeighbourDown BFDDiag = 3
	BFDDiagAdminDown BFDDiag = 7
)

var bfdDiags = [...]string{
	"no diagnostic", "control detection time expired", "echo function failed", "neighbour signalled session down",
	"forwarding plane reset", "path down", "concatenated path down", "administratively down",
	"reverse concatenated path down",
}

// String is the code in words.
func (d BFDDiag) String() string {
	if int(d) < len(bfdDiags) {
		return bfdDiags[d]
	}
	return "unknown diagnostic"
}

// BFD is one BFD Control packet without authentication (RFC 5880 §4.1).
type BFD struct {
	State       BFDState
	Diag        BFDDiag // 0–31
	Poll, Final bool
	Independent bool  // the control plane does not share fate with forwarding
	Demand      bool  // the sender wants no periodic packets
	Multiplier  uint8 // detection time, in intervals; 1–255
	// My and Your are the discriminators: the sender's, never 0, and the
	// receiver's as far as the sender knows it.
	My, Your uint32
	// MinTx is how often the sender wants to send, MinRx how often it can
	// receive (0: never), MinEchoRx the same for echoes (0: none); whole
	// microseconds, at most 2³²−1.
	MinTx, MinRx, MinEchoRx time.Duration
}

// BFDFault says why a BFD packet is refused; zero means that it is good. What
// needs the session or the IP header is seen by the receiver and counts under
// the same names.
type BFDFault uint8

// The faults, in the order in which RFC 5880 §6.8.6 has them.
const (
	BFDGood           BFDFault = iota
	BFDHops                    // TTL or hop limit: it came from further off than allowed
	BFDLength                  // shorter or longer than it says
	BFDVersion                 // not 1
	BFDBadMultiplier           // 0
	BFDBadMultipoint           // the bit that is reserved
	BFDBadMy                   // My Discriminator is 0
	BFDBadYour                 // Your Discriminator is 0 in Init or Up
	BFDUnknownSession          // no session has that discriminator or that neighbour
	BFDBadAuth                 // authenticated, and we have none configured
	BFDForeign                 // for a session of ours, and from somebody else than its neighbour
	NumBFDFaults               // how many there are, for counters
)

var bfdFaultNames = [NumBFDFaults]string{
	BFDGood: "packets_rcvd", BFDHops: "ttl_err", BFDLength: "packet_len_err", BFDVersion: "vers_err",
	BFDBadMultiplier: "multiplier_err", BFDBadMultipoint: "multipoint_err", BFDBadMy: "my_discriminator_err",
	BFDBadYour: "your_discriminator_err", BFDUnknownSession: "unknown_session", BFDBadAuth: "auth_err",
	BFDForeign: "neighbour_err",
}

// String is the counter's name.
func (f BFDFault) String() string {
	if f < NumBFDFaults {
		return bfdFaultNames[f]
	}
	return "unknown_err"
}

// ParseBFD decodes b, a UDP payload, into p and checks what can be checked
// without a session (RFC 5880 §6.8.6). What comes after the packet's own length
// is not looked at.
func ParseBFD(p *BFD, b []byte) BFDFault {
	if len(b) < BFDLen {
		return BFDLength
	}
	length, flags := int(b[3]), b[1]
	auth := flags&bfdAuth != 0
	switch {
	case b[0]>>5 != bfdVersion:
		return BFDVersion
	case length < BFDLen, auth && length < bfdAuthLen, length > len(b):
		return BFDLength
	case b[2] == 0:
		return BFDBadMultiplier
	case flags&bfdMultipoint != 0:
		return BFDBadMultipoint
	}
	*p = BFD{
		State: BFDState(flags >> 6), Diag: BFDDiag(b[0] & 0x1f),
		Poll: flags&bfdPoll != 0, Final: flags&bfdFinal != 0,
		Independent: flags&bfdIndependent != 0, Demand: flags&bfdDemand != 0,
		Multiplier: b[2], My: binary.BigEndian.Uint32(b[4:]), Your: binary.BigEndian.Uint32(b[8:]),
		MinTx: usecs(b[12:]), MinRx: usecs(b[16:]), MinEchoRx: usecs(b[20:]),
	}
	switch {
	case p.My == 0:
		return BFDBadMy
	case p.Your == 0 && p.State != BFDDown && p.State != BFDAdminDown:
		return BFDBadYour
	case auth:
		return BFDBadAuth
	}
	return BFDGood
}

func usecs(b []byte) time.Duration {
	return time.Duration(binary.BigEndian.Uint32(b)) * time.Microsecond
}

// AppendBFD appends p. Times that the format cannot express are cut to its
// nearest.
func AppendBFD(b []byte, p *BFD) []byte {
	flags := byte(p.State&3) << 6
	for _, f := range [...]struct {
		set bool
		bit byte
	}{{p.Poll, bfdPoll}, {p.Final, bfdFinal}, {p.Independent, bfdIndependent}, {p.Demand, bfdDemand}} {
		if f.set {
			flags |= f.bit
		}
	}
	b = append(b, bfdVersion<<5|byte(p.Diag)&0x1f, flags, p.Multiplier, BFDLen)
	b = binary.BigEndian.AppendUint32(b, p.My)
	b = binary.BigEndian.AppendUint32(b, p.Your)
	for _, d := range [...]time.Duration{p.MinTx, p.MinRx, p.MinEchoRx} {
		b = binary.BigEndian.AppendUint32(b, uint32(min(max(d/time.Microsecond, 0), bfdMaxUsecs))) // cut
	}
	return b
}
