package cli

import (
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/parent"
)

// Without a BFD child what tracks a session has nobody to hear from: what that
// means is said.
func TestNoBFDChildIsSaid(t *testing.T) {
	cfg := &conf.Config{BFDs: []*conf.BFD{{Name: "peer1", Pos: conf.Pos{File: "k.conf", Line: 7}}}}
	for _, c := range []struct {
		bfd  bool
		want int
	}{{true, 0}, {false, 1}} {
		r := (&next{LoadRequest: parent.LoadRequest{VRRP: true, BFD: c.bfd}, cfg: cfg, found: nil}).report()
		said := 0
		for _, p := range r.Problems {
			if strings.Contains(p.Message, "peer1") && strings.Contains(p.Message, "for who tracks it, it is down; a BFD_CHECK leaves its server in, with alpha out") && p.Line == 7 {
				said++
			}
		}
		if said != c.want || len(r.Children) > 0 && r.Children[0] == parent.BFD != c.bfd {
			t.Errorf("with a BFD child: %t: %+v, children %q", c.bfd, r.Problems, r.Children)
		}
	}
}
