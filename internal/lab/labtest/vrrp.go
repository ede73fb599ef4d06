package labtest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab"
)

// Instance writes a vrrp_instance for the tests: adverts fast enough not to
// wait for, slow enough for a busy machine.
type Instance struct {
	Name      string // default VI_1
	Version   int    // default 3
	Interface string // default eth0
	VRID      int    // default 51
	Priority  int
	Advert    string   // seconds; default 0.3, or 1 for version 2
	Addresses []string // default 192.0.2.100/24
	Extra     string   // more lines inside
}

// String is the block.
func (i Instance) String() string {
	or(&i.Name, "VI_1")
	or(&i.Version, 3)
	or(&i.Interface, "eth0")
	or(&i.VRID, 51)
	if i.Version == 2 {
		or(&i.Advert, "1")
	}
	or(&i.Advert, "0.3")
	if i.Addresses == nil {
		i.Addresses = []string{Virtual + "/24"}
	}
	return fmt.Sprintf(`vrrp_instance %s {
    state BACKUP
    version %d
    interface %s
    virtual_router_id %d
    priority %d
    advert_int %s
    virtual_ipaddress {
        %s
    }
    %s
}
`, i.Name, i.Version, i.Interface, i.VRID, i.Priority, i.Advert, strings.Join(i.Addresses, "\n        "), i.Extra)
}

// Virtual is the virtual address of an Instance that names no other.
const Virtual = "192.0.2.100"

func or[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// WaitMaster waits until the address is on the first daemon's node and on none
// of the others'.
func WaitMaster(t testing.TB, address string, master *lab.Daemon, others ...*lab.Daemon) {
	t.Helper()
	Wait(t, fmt.Sprintf("%s is on %s alone", address, master.Name), func() bool {
		for _, o := range others {
			if o.Node.Has(address) {
				return false
			}
		}
		return master.Node.Has(address)
	})
}
