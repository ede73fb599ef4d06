package nft

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// markElements bounds the elements in one message: an attribute holds 64 KiB.
const markElements = 256

// markBuffer is room for a transaction, in bytes: 65,536 addresses that are no
// neighbours.
const markBuffer = 16 << 20

// markProtocols are the maps, in the order of their rules.
var markProtocols = []struct {
	protocol lvs.Protocol
	name     string
}{{lvs.TCP, "tcp_map"}, {lvs.UDP, "udp_map"}, {lvs.SCTP, "sctp_map"}}

// ApplyMarks replaces the tables that mark packets, one for each family, in
// one transaction. What is marked is looked up in a map from address and port.
func ApplyMarks(m *lvs.Marks) error {
	c, err := nftables.New(nftables.WithSockOptions(func(c *netlink.Conn) error { return c.SetWriteBuffer(markBuffer) }))
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	for _, six := range []bool{false, true} {
		if err := writeMarks(c, m, six); err != nil {
			return err
		}
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("write nftables table %s: %w", m.Table, err)
	}
	return nil
}

// SameMarks reports whether the kernel's maps are what m says.
func SameMarks(m *lvs.Marks) (bool, error) {
	c, err := nftables.New()
	if err != nil {
		return false, fmt.Errorf("open nftables: %w", err)
	}
	for i, six := range []bool{false, true} {
		t := &nftables.Table{Name: m.Table, Family: families[i]}
		rules := 0
		for _, p := range markProtocols {
			want := elements(m, p.protocol, six)
			if len(want) == 0 {
				continue
			}
			rules++
			have, err := c.GetSetElements(&nftables.Set{Table: t, Name: p.name, IsMap: true, KeyType: markKey(six), DataType: nftables.TypeMark, Concatenation: true, Interval: true})
			if err != nil || !sameElements(have, want) {
				return false, nil // it is not there
			}
		}
		if rules == 0 {
			continue
		}
		have, err := c.GetRules(t, &nftables.Chain{Name: "in", Table: t})
		if err != nil || len(have) != rules {
			return false, nil // it is not there
		}
	}
	return true, nil
}

func sameElements(have, want []nftables.SetElement) bool {
	name := func(e nftables.SetElement) string {
		end := e.KeyEnd
		if len(end) == 0 {
			end = e.Key
		}
		return string(e.Key) + string(end) + string(e.Val)
	}
	var a, b []string
	for i := range have {
		a = append(a, name(have[i]))
	}
	for i := range want {
		b = append(b, name(want[i]))
	}
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// writeMarks queues one family's table; what is there of that name goes first.
func writeMarks(c *nftables.Conn, m *lvs.Marks, six bool) error {
	t := table{c: c, r: &Rules{Table: m.Table, Priority: m.Priority, Counters: m.Counters}, six: six}
	t.t = &nftables.Table{Name: m.Table, Family: families[0]}
	if six {
		t.t.Family = families[1]
	}
	c.AddTable(t.t)
	c.DelTable(t.t)
	var chain *nftables.Chain
	for _, p := range markProtocols {
		all := elements(m, p.protocol, six)
		if len(all) == 0 {
			continue
		}
		if chain == nil {
			c.AddTable(t.t)
			chain = t.hook("in", nftables.ChainHookInput)
		}
		s := &nftables.Set{
			Name: p.name, IsMap: true, Concatenation: true, Interval: true, Counter: m.Counters,
			KeyType: markKey(six), DataType: nftables.TypeMark,
		}
		if err := t.set(s, nil); err != nil {
			return err
		}
		for part := range slices.Chunk(all, markElements) {
			if err := c.SetAddElements(s, part); err != nil {
				return fmt.Errorf("fill map %s of nftables table %s: %w", p.name, m.Table, err)
			}
		}
		t.rule(chain, []expr.Any{&expr.Verdict{Kind: expr.VerdictReturn}}, markRule(s, p.protocol, six))
	}
	return nil
}

// markKey is an address and a port.
func markKey(six bool) nftables.SetDatatype {
	a := nftables.TypeIPAddr
	if six {
		a = nftables.TypeIP6Addr
	}
	return nftables.MustConcatSetType(a, nftables.TypeInetService)
}

// markRule sets the mark of a packet's address and port; one that is not in
// the map goes on to the next rule.
func markRule(s *nftables.Set, p lvs.Protocol, six bool) []expr.Any {
	at, size, port := uint32(16), uint32(4), uint32(unix.NFT_REG32_01)
	if six {
		at, size, port = 24, 16, second
	}
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: first}, is(byte(p)),
		load(expr.PayloadBaseNetworkHeader, at, size),
		&expr.Payload{DestRegister: port, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Lookup{SourceRegister: first, DestRegister: first, IsDestRegSet: true, SetName: s.Name, SetID: s.ID},
		&expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: first},
	}
}

// elements are those of one map.
func elements(m *lvs.Marks, p lvs.Protocol, six bool) (out []nftables.SetElement) {
	for i := range m.Each {
		if m.Each[i].Protocol != p {
			continue
		}
		mark := binary.NativeEndian.AppendUint32(nil, m.Each[i].Mark)
		for _, t := range m.Each[i].Targets {
			if t.From.Is6() == six {
				out = append(out, nftables.SetElement{Key: addressPort(t.From, t.Port), KeyEnd: addressPort(t.To, t.PortTo), Val: mark})
			}
		}
	}
	return out
}

// addressPort is a key; each part of it fills whole words.
func addressPort(a netip.Addr, port uint16) []byte {
	return append(binary.BigEndian.AppendUint16(a.AsSlice(), port), 0, 0)
}
