package netns_test

import (
	"fmt"
	"net"
	"sync"
	"testing"

	"golang.org/x/net/ipv4"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// adverts are the VRIDs of the adverts that a node hears, in order, those of
// one instance left out.
type adverts struct {
	mu    sync.Mutex
	vrids []byte
}

func overhear(t *testing.T, n *lab.Node, without byte) *adverts {
	t.Helper()
	c, err := n.ListenPacket("ip4:112", "0.0.0.0")
	Must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	Must(t, c.(*net.IPConn).SetReadBuffer(4<<20))
	Must(t, n.Do(func() error {
		eth0, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		return ipv4.NewPacketConn(c).JoinGroup(eth0, &net.IPAddr{IP: net.IPv4(224, 0, 0, 18)})
	}))
	a := &adverts{}
	go func() {
		for b := make([]byte, 2048); ; {
			size, _, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			if size > 1 && b[1] != without {
				a.mu.Lock()
				a.vrids = append(a.vrids, b[1])
				a.mu.Unlock()
			}
		}
	}()
	return a
}

func (a *adverts) heard() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.vrids[:len(a.vrids):len(a.vrids)]
}

// While one instance of many is changed, the adverts of the others go on as if
// nothing had happened: none is missing, none comes twice, and each has its
// place among the others in every interval.
func TestReloadOfOneDoesNotDisturbTheOrder(t *testing.T) {
	const many, changes, rounds = 200, 7, 3
	file := func(priority int) string {
		var blocks []any
		for n := range many {
			i := Instance{Name: fmt.Sprint("VI_", n), VRID: n + 1, Priority: 150, Advert: "1", Addresses: []string{fmt.Sprintf("198.51.100.%d/32", n+1)}}
			if n == changes {
				i.Priority = priority
			}
			blocks = append(blocks, i)
		}
		return config(blocks...)
	}
	l := New(t)
	watch := Node(t, l, "watch", "192.0.2.9/24")
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), file(150))
	Wait(t, "all are masters", func() bool { return Logged(a, enteringMaster) == many })

	got := overhear(t, watch, changes+1)
	enough := func(n int) func() bool { return func() bool { return len(got.heard()) >= n*(many-1) } }
	// The first wait is not the same for all, so what comes in it is not compared.
	const unlike = 2
	Wait(t, "some adverts", enough(unlike+1))
	Must(t, a.Configure(file(160)))
	Must(t, a.Reload())
	Wait(t, "the new priority", func() bool {
		i := a.Instance(fmt.Sprint("VI_", changes))
		return i != nil && i.Priority == 160
	})
	Wait(t, "more adverts", enough(len(got.heard())/(many-1)+rounds))

	all := got.heard()[unlike*(many-1):]
	seen := map[byte]bool{}
	for i, vrid := range all {
		if i < many-1 {
			seen[vrid] = true
		} else if before := all[i-(many-1)]; vrid != before {
			t.Fatalf("advert %d is of VRID %d, an interval before it was %d's turn", i, vrid, before)
		}
	}
	if len(seen) != many-1 {
		t.Errorf("%d instances in an interval, want %d", len(seen), many-1)
	}
}
