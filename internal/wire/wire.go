// Package wire turns VRRP's bytes into values and back: adverts of version 2
// and 3 with their checksums, the IPv4 header before them, IPsec's authentication
// header, the HMAC trailer, gratuitous ARP and unsolicited neighbour advertisements.
//
// It is pure and allocates nothing for a packet: it parses into what the caller
// brings and appends to the caller's buffer. What is wrong with a packet is a
// Fault, a number to count by. Sockets are in package socket, what an advert
// means is decided in package vrrp.
package wire

// Fault says why a packet is refused; zero means that it is good.
type Fault uint8

// The faults. Whether a packet is for a router we have, came from the right
// hop and knows the password is seen by the receiver; it counts under the same
// names.
const (
	Good          Fault = iota
	Length              // shorter or longer than its header says
	HopLimit            // TTL or hop limit is not 255: it crossed a router
	BadVersion          // neither 2 nor 3, or not the router's
	BadType             // not an advertisement
	BadVRID             // VRID 0, or none that is configured on the link
	BadChecksum         // checksum does not match
	BadInterval         // version 2: the interval is not ours
	BadAddresses        // the addresses are not ours
	BadAuthType         // an authentication type that does not exist
	AuthMismatch        // another authentication type than ours
	AuthFailure         // the password is wrong
	BadIPHeader         // the IPv4 header contradicts itself
	BadProtocol         // the IP payload is not VRRP
	OwnAdvert           // came back from our own address
	UnknownSource       // unicast, and not from a configured peer
	Replayed            // authentic, but its sequence number was heard before
	ExtMissing          // no HMAC trailer; counted also where that is accepted
	ExtMalformed        // its type does not exist, or what is reserved is not 0
	ExtUnknownKey       // it names a key that we do not have
	ExtInvalid          // its digest is wrong: another key, or somebody changed the advert
	ExtStale            // it is older or newer than the window allows
	ExtReplay           // authentic, but its sequence was heard before
	NumFaults           // how many there are, for counters
)

// faultNames are the counters' names: keepalived's where it has one.
var faultNames = [NumFaults]string{
	Good:          "advert_rcvd",
	Length:        "packet_len_err",
	HopLimit:      "ip_ttl_err",
	BadVersion:    "vers_err",
	BadType:       "invalid_type_rcvd",
	BadVRID:       "vrid_err",
	BadChecksum:   "chk_err",
	BadInterval:   "advert_interval_err",
	BadAddresses:  "addr_list_err",
	BadAuthType:   "invalid_authtype",
	AuthMismatch:  "authtype_mismatch",
	AuthFailure:   "auth_failure",
	BadIPHeader:   "ip_header_err",
	BadProtocol:   "ip_protocol_err",
	OwnAdvert:     "own_advert",
	UnknownSource: "unknown_source",
	Replayed:      "replayed",
	ExtMissing:    "auth_ext_missing",
	ExtMalformed:  "auth_ext_malformed",
	ExtUnknownKey: "auth_ext_unknown_key",
	ExtInvalid:    "auth_ext_invalid_hmac",
	ExtStale:      "auth_ext_stale",
	ExtReplay:     "auth_ext_replay",
}

// String returns the name of the counter, keepalived's where it has one.
func (f Fault) String() string {
	if f < NumFaults {
		return faultNames[f]
	}
	return "unknown_err"
}
