// Package nft has the kernel's firewall do what VRRP wants of it: packets to
// and from virtual addresses are dropped where a router does not accept them
// (no_accept), and the kernel's reports of multicast groups leave by the
// interface below a VMAC rather than with its MAC address, which only adverts
// may teach to switches (keepalived.conf(5), nftables).
//
// Rules describes both tables, one for each family; Apply replaces them in one
// transaction. It does not matter what was there: a table of that name is ours.
// Watcher tells when somebody else takes something out of them. Who is master
// is not looked at: an address that is nowhere gets no packets.
//
// Another pair of tables, ApplyMarks, marks packets for IPVS.
package nft

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// Rules is what both tables have. Links go by their index.
type Rules struct {
	Table    string
	Priority int
	Counters bool
	// VMAC4 and VMAC6 are VMACs with addresses of a family whose reports are
	// moved.
	VMAC4, VMAC6 []Pair
	// Drop are the addresses whose packets are dropped, sorted; link-local ones
	// on their link only.
	Drop      []netip.Addr
	LinkLocal []LinkAddr
}

// Pair is a VMAC and the interface below.
type Pair struct{ VMAC, Base int }

// LinkAddr is an address on a link.
type LinkAddr struct {
	Addr netip.Addr
	Link int
}

// Equal reports whether two are the same.
func (r *Rules) Equal(o *Rules) bool {
	return r.Table == o.Table && r.Priority == o.Priority && r.Counters == o.Counters &&
		slices.Equal(r.VMAC4, o.VMAC4) && slices.Equal(r.VMAC6, o.VMAC6) &&
		slices.Equal(r.Drop, o.Drop) && slices.Equal(r.LinkLocal, o.LinkLocal)
}

// Empty reports whether no table is needed.
func (r *Rules) Empty() bool {
	return len(r.VMAC4)+len(r.VMAC6)+len(r.Drop)+len(r.LinkLocal) == 0
}

// Apply replaces the tables, in the network namespace of the calling thread.
// It may take milliseconds.
func (r *Rules) Apply() error {
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	for _, t := range []table{newTable(c, r, 4), newTable(c, r, 6)} {
		if err := t.write(); err != nil {
			return err
		}
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("write nftables table %s: %w", r.Table, err)
	}
	return nil
}

// Remove removes the tables of a name.
func Remove(name string) error {
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	for _, f := range families {
		t := &nftables.Table{Name: name, Family: f}
		c.AddTable(t) // a table that is not there cannot be removed
		c.DelTable(t)
	}
	if err := c.Flush(); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("remove nftables table %s: %w", name, err)
	}
	return nil
}

var families = []nftables.TableFamily{nftables.TableFamilyIPv4, nftables.TableFamilyIPv6}
