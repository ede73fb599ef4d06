package lvs

import (
	"net/netip"
	"testing"
)

func TestIndexFindsServersInAnyOrder(t *testing.T) {
	key := func(last byte, port uint16) ServerKey {
		return ServerKey{Addr: netip.AddrFrom4([4]byte{10, 0, 0, last}), Port: port}
	}
	sorted := []ServerConfig{{Key: key(1, 80)}, {Key: key(1, 81)}, {Key: key(2, 80)}, {Key: key(9, 1)}}
	mixed := []ServerConfig{sorted[2], sorted[0], sorted[3], sorted[1]}
	for name, servers := range map[string][]ServerConfig{"none": nil, "sorted": sorted, "mixed": mixed} {
		x := newIndex(servers)
		for i := range servers {
			if at, ok := x.find(servers[i].Key); !ok || at != i {
				t.Errorf("%s: %v is found at %d, %v, want %d", name, servers[i].Key, at, ok, i)
			}
		}
		for _, k := range []ServerKey{{}, key(1, 79), key(1, 82), key(200, 1)} {
			if at, ok := x.find(k); ok {
				t.Errorf("%s: %v, which is not there, is found at %d", name, k, at)
			}
		}
	}
}
