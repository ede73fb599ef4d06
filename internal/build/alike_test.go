package build_test

import (
	"testing"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
)

// Where a block stands does not count, what it says does, whatever it keeps to
// itself.
func TestSame(t *testing.T) {
	server := func(line, weight int) *conf.VirtualServer {
		return &conf.VirtualServer{
			Servers: []*conf.RealServer{{Weight: weight, Pos: conf.Pos{File: "a.conf", Line: line}}},
			Pos:     conf.Pos{File: "a.conf", Line: line - 1},
		}
	}
	if !build.Same(server(2, 1), server(20, 1)) {
		t.Error("the same lines further down are not the same")
	}
	if build.Same(server(2, 1), server(2, 2)) {
		t.Error("another weight is the same")
	}
}
