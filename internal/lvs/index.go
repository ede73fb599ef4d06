package lvs

import (
	"cmp"
	"slices"
)

// index finds servers by their keys. It is their places in the order of the
// keys, and nothing at all where they stand in that order already, as most do:
// a map would take more room than what is known of a server.
type index struct {
	servers []ServerConfig
	order   []int32 // nil: as servers
}

func newIndex(servers []ServerConfig) index {
	x := index{servers: servers}
	if slices.IsSortedFunc(servers, func(a, b ServerConfig) int { return a.Key.Compare(b.Key) }) {
		return x
	}
	x.order = make([]int32, len(servers))
	for i := range x.order {
		x.order[i] = int32(i) // bounded by the configuration's size
	}
	slices.SortFunc(x.order, func(a, b int32) int { return servers[a].Key.Compare(servers[b].Key) })
	return x
}

// find returns a server's place in the configuration.
func (x *index) find(key ServerKey) (int, bool) {
	low, high := 0, len(x.servers)
	for low < high {
		mid := int(uint(low+high) >> 1)
		switch c := x.servers[x.at(mid)].Key.Compare(key); {
		case c == 0:
			return x.at(mid), true
		case c < 0:
			low = mid + 1
		default:
			high = mid
		}
	}
	return 0, false
}

func (x *index) at(rank int) int {
	if x.order == nil {
		return rank
	}
	return int(x.order[rank])
}

// Compare orders servers by address, then by port.
func (k ServerKey) Compare(o ServerKey) int {
	return cmp.Or(k.Addr.Compare(o.Addr), cmp.Compare(k.Port, o.Port))
}
