package vrrpd

import (
	"testing"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/kernel"
)

// The routers of a family share a socket, so what each asks for adds up; one
// that does not care leaves it as it is.
func TestRoomOfASharedSocket(t *testing.T) {
	const usual = 1000
	router := func(own int) *edge {
		return &edge{Router: &build.Router{Family: 4, Version: 3, RxBuffer: own}, link: kernel.Link{MTU: 1500}, fits: 2}
	}
	for _, c := range []struct {
		name  string
		b     conf.Buffers
		edges []*edge
		want  int
	}{
		{"nobody", conf.Buffers{Policy: conf.RxMTU, Multiplier: 3}, nil, usual},
		{"nothing is said", conf.Buffers{}, []*edge{router(0)}, usual},
		{"own sizes", conf.Buffers{}, []*edge{router(500), router(7)}, 507},
		{"one does not care", conf.Buffers{}, []*edge{router(500), router(0)}, usual},
		{"MTU", conf.Buffers{Policy: conf.RxMTU, Multiplier: 3}, []*edge{router(0), router(0)}, 9000},
		{"own before the policy", conf.Buffers{Policy: conf.RxMTU, Multiplier: 2}, []*edge{router(0), router(7)}, 3007},
		{"advert: 20 + 8 + 2·4", conf.Buffers{Policy: conf.RxAdvert, Multiplier: 3}, []*edge{router(0)}, 108},
		{"bytes", conf.Buffers{Policy: conf.RxBytes, Bytes: 4096}, []*edge{router(0), router(0)}, 8192},
	} {
		if got := room(c.edges, &c.b, usual); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.name, got, c.want)
		}
	}
}
