package vrrpd

import (
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
)

// multitude is a configuration of n instances on eth0 and eth1, the first of which
// has that priority.
func multitude(n, first int) build.VRRP {
	var all []*conf.VRRPInstance
	for i := range n {
		c := instance(fmt.Sprintf("VI_%d", i), i%255+1, 100, fmt.Sprintf("10.%d.%d.%d/32", i/62500, i/250%250, i%250+1))
		c.AdvertInt = 100 * time.Millisecond
		all = append(all, c)
	}
	all[0].Priority = first
	return build.FromVRRP(config(all...))
}

func BenchmarkReload(b *testing.B) {
	for _, n := range []int{1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d := newBench(b)
			d.begin(multitude(n, 100))
			d.pass(time.Second)
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				next := d.workOut(multitude(n, 100+i%2))
				b.StartTimer()
				d.daemon.adopt(next)
			}
		})
	}
}
