package nft

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Numbers of the protocols (RFC 791, 2710, 4443, 4861) and of
// linux/netfilter/nf_tables.h that the library lacks.
const (
	protoIGMP       = 2
	mld2Report      = 143
	routerSolicit   = 133
	neighborSolicit = 135
	neighborAdvert  = 136
	metaOIFKind     = 27 // NFT_META_OIFKIND, Linux 5.2
)

// table is one of both tables while it is written.
type table struct {
	c     *nftables.Conn
	r     *Rules
	t     *nftables.Table
	six   bool
	vmacs []Pair
	drop  []netip.Addr
	local []LinkAddr
}

func newTable(c *nftables.Conn, r *Rules, family int) table {
	t := table{c: c, r: r, t: &nftables.Table{Name: r.Table, Family: families[0]}, vmacs: r.VMAC4}
	if family == 6 {
		t.six, t.vmacs, t.local = true, r.VMAC6, r.LinkLocal
		t.t = &nftables.Table{Name: r.Table, Family: families[1]}
	}
	for _, a := range r.Drop {
		if a.Is6() == t.six {
			t.drop = append(t.drop, a)
		}
	}
	return t
}

// write queues the whole table: what is there of that name goes first.
func (t *table) write() error {
	t.c.AddTable(t.t)
	t.c.DelTable(t.t)
	if len(t.vmacs)+len(t.drop)+len(t.local) == 0 {
		return nil
	}
	t.c.AddTable(t.t)
	out := t.hook("out", nftables.ChainHookOutput)
	if err := t.reports(out); err != nil {
		return err
	}
	if len(t.drop)+len(t.local) == 0 {
		return nil
	}
	return t.drops(t.hook("in", nftables.ChainHookInput), out)
}

func (t *table) hook(name string, at *nftables.ChainHook) *nftables.Chain {
	accept := nftables.ChainPolicyAccept
	return t.c.AddChain(&nftables.Chain{
		Name: name, Table: t.t, Type: nftables.ChainTypeFilter, Hooknum: at,
		Priority: nftables.ChainPriorityRef(nftables.ChainPriority(t.r.Priority)), // 32 bits
		Policy:   &accept,
	})
}

// rule queues a rule whose last expression is what is done; a counter goes
// before it if one is wanted.
func (t *table) rule(chain *nftables.Chain, do []expr.Any, when ...[]expr.Any) {
	var all []expr.Any
	for _, w := range when {
		all = append(all, w...)
	}
	if t.r.Counters {
		all = append(all, &expr.Counter{})
	}
	t.c.AddRule(&nftables.Rule{Table: t.t, Chain: chain, Exprs: append(all, do...)})
}

func (t *table) set(s *nftables.Set, elements []nftables.SetElement) error {
	s.Table = t.t
	if err := t.c.AddSet(s, elements); err != nil {
		return fmt.Errorf("set %s of nftables table %s: %w", s.Name, t.r.Table, err)
	}
	return nil
}

func index(link int) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(link)) } // an index

// reports moves reports of multicast groups to the interface below, and stops
// IPv6's search for routers on VMACs.
func (t *table) reports(out *nftables.Chain) error {
	if len(t.vmacs) == 0 {
		return nil
	}
	moves := &nftables.Set{Name: "vmac_map", IsMap: true, KeyType: nftables.TypeIFIndex, DataType: nftables.TypeIFIndex, KeyByteOrder: binaryutil.NativeEndian}
	vmacs := &nftables.Set{Name: "vmac_set", KeyType: nftables.TypeIFIndex, KeyByteOrder: binaryutil.NativeEndian}
	var pairs, keys []nftables.SetElement
	for _, p := range t.vmacs {
		pairs = append(pairs, nftables.SetElement{Key: index(p.VMAC), Val: index(p.Base)})
		keys = append(keys, nftables.SetElement{Key: index(p.VMAC)})
	}
	if err := t.set(moves, pairs); err != nil {
		return err
	}
	match := []expr.Any{load(expr.PayloadBaseNetworkHeader, 9, 1), is(protoIGMP)}
	daddr := load(expr.PayloadBaseNetworkHeader, 16, 4)
	if t.six {
		if err := t.set(vmacs, keys); err != nil {
			return err
		}
		match, daddr = icmp6(is(mld2Report)), load(expr.PayloadBaseNetworkHeader, 24, 16)
	}
	t.rule(out, drop(), match, macvlan(), []expr.Any{
		daddr, &expr.Meta{Key: expr.MetaKeyOIF, Register: second},
		&expr.Lookup{SourceRegister: second, DestRegister: second, IsDestRegSet: true, SetName: moves.Name, SetID: moves.ID},
		&expr.Dup{RegAddr: first, RegDev: second, IsRegDevSet: true},
	})
	if t.six {
		t.rule(out, drop(), icmp6(is(routerSolicit)), macvlan(),
			[]expr.Any{&expr.Meta{Key: expr.MetaKeyOIF, Register: first}, in(vmacs)})
	}
	return nil
}

// drops drops what goes to or comes from the addresses, whose link layer must
// still be found.
func (t *table) drops(in4, out *nftables.Chain) error {
	vips := &nftables.Set{Name: "vips", KeyType: nftables.TypeIPAddr}
	from, to, size := uint32(12), uint32(16), uint32(4)
	if t.six {
		vips.KeyType = nftables.TypeIP6Addr
		from, to, size = 8, 24, 16
	}
	var elements []nftables.SetElement
	for _, a := range t.drop {
		elements = append(elements, nftables.SetElement{Key: a.AsSlice()})
	}
	if err := t.set(vips, elements); err != nil {
		return err
	}
	if t.six {
		if err := t.neighbours(in4, out); err != nil {
			return err
		}
	}
	if len(t.local) > 0 {
		if err := t.linkLocal(in4, out); err != nil {
			return err
		}
	}
	t.rule(out, drop(), []expr.Any{load(expr.PayloadBaseNetworkHeader, from, size), in(vips)})
	t.rule(in4, drop(), []expr.Any{load(expr.PayloadBaseNetworkHeader, to, size), in(vips)})
	return nil
}

func (t *table) neighbours(in6, out *nftables.Chain) error {
	nd := &nftables.Set{Name: "neighbor-discovery", Constant: true, KeyType: nftables.TypeICMP6Type}
	if err := t.set(nd, []nftables.SetElement{{Key: []byte{neighborSolicit}}, {Key: []byte{neighborAdvert}}}); err != nil {
		return err
	}
	for _, chain := range []*nftables.Chain{in6, out} {
		t.rule(chain, []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}}, icmp6(in(nd)))
	}
	return nil
}

// linkLocal sends link-local addresses to chains that look at the link too.
func (t *table) linkLocal(in6, out *nftables.Chain) error {
	key, err := nftables.ConcatSetType(nftables.TypeIP6Addr, nftables.TypeIFIndex)
	if err != nil {
		return err
	}
	s := &nftables.Set{Name: "vips_link_local", KeyType: key, Concatenation: true}
	var elements []nftables.SetElement
	for _, l := range t.local {
		elements = append(elements, nftables.SetElement{Key: append(l.Addr.AsSlice(), index(l.Link)...)})
	}
	if err := t.set(s, elements); err != nil {
		return err
	}
	for _, d := range []struct {
		name  string
		chain *nftables.Chain
		at    uint32
		meta  expr.MetaKey
	}{{"in_link_local", in6, 24, expr.MetaKeyIIF}, {"out_link_local", out, 8, expr.MetaKeyOIF}} {
		local := t.c.AddChain(&nftables.Chain{Name: d.name, Table: t.t})
		t.rule(local, drop(), []expr.Any{
			load(expr.PayloadBaseNetworkHeader, d.at, 16), &expr.Meta{Key: d.meta, Register: second}, in(s),
		})
		t.rule(d.chain, []expr.Any{&expr.Verdict{Kind: expr.VerdictGoto, Chain: d.name}}, []expr.Any{
			load(expr.PayloadBaseNetworkHeader, d.at, 16),
			&expr.Bitwise{SourceRegister: first, DestRegister: first, Len: 16, Mask: linkLocalMask[:], Xor: make([]byte, 16)},
			is(linkLocalNet[:]...),
		})
	}
	return nil
}

// fe80::/10 (RFC 4291 §2.4).
var linkLocalNet, linkLocalMask = [16]byte{0xfe, 0x80}, [16]byte{0xff, 0xc0}

// The registers that are used: of 16 bytes, one behind the other.
const (
	first  = unix.NFT_REG_1
	second = unix.NFT_REG_2
)

func load(base expr.PayloadBase, at, size uint32) expr.Any {
	return &expr.Payload{DestRegister: first, Base: base, Offset: at, Len: size}
}

func is(b ...byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: first, Data: b} }

func in(s *nftables.Set) expr.Any {
	return &expr.Lookup{SourceRegister: first, SetName: s.Name, SetID: s.ID}
}

// icmp6 loads the type of ICMPv6.
func icmp6(typ expr.Any) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: first}, is(unix.IPPROTO_ICMPV6),
		load(expr.PayloadBaseTransportHeader, 0, 1), typ,
	}
}

// macvlan is for what leaves by a macvlan.
func macvlan() []expr.Any {
	kind := make([]byte, unix.IFNAMSIZ)
	copy(kind, "macvlan")
	return []expr.Any{&expr.Meta{Key: metaOIFKind, Register: first}, is(kind...)}
}

func drop() []expr.Any { return []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}} }
