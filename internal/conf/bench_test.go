package conf

import (
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// manyServers is a file of v virtual servers with r real servers each, every
// one with a TCP_CHECK.
func manyServers(v, r int) string {
	var b strings.Builder
	b.WriteString("global_defs {\n    router_id bench\n}\n\n")
	for i := range v {
		fmt.Fprintf(&b, "virtual_server 10.%d.%d.%d 80 {\n    delay_loop 10\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n", 200+i/62500, i/250%250, i%250+1)
		for j := range r {
			n := i*r + j
			fmt.Fprintf(&b, "    real_server 127.%d.%d.%d 8080 {\n        weight 1\n        TCP_CHECK {\n            connect_timeout 3\n        }\n    }\n", 1+n/62500, n/250%250, n%250+1)
		}
		b.WriteString("}\n\n")
	}
	return b.String()
}

func BenchmarkLoad(b *testing.B) {
	for _, size := range [][2]int{{100, 100}, {1000, 10}, {5000, 10}} {
		text := manyServers(size[0], size[1])
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				c, found := Load(texts{"f": text}, "f", Options{})
				if len(c.VirtualServers) != size[0] || found.Count(diag.Warning) > 0 {
					b.Fatal(found)
				}
			}
		})
	}
}
