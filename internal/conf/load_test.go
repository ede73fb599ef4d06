package conf

import (
	"os"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

func TestLabFilesLoad(t *testing.T) {
	for _, name := range []string{"a.conf", "b.conf"} {
		text, err := os.ReadFile("../../examples/lab/" + name)
		if err != nil {
			t.Fatal(err)
		}
		c, found := load(t, string(text))
		if found.Count(diag.Notice) > 0 {
			t.Errorf("%s: %s", name, ids(found, diag.Notice))
		}
		if len(c.Instances) != 1 || len(c.VirtualServers) != 1 || len(c.VirtualServers[0].Servers) != 3 {
			t.Fatalf("%s: %+v", name, c)
		}
		i, k := c.Instances[0], c.VirtualServers[0].Servers[0].Checkers[0]
		if i.VRID != 51 || i.Version != 3 || i.Interface != "eth0" || len(i.Addresses) != 1 || i.Addresses[0].Prefix.String() != "192.0.2.100/24" {
			t.Errorf("%s: instance %+v", name, i)
		}
		if k.Kind != "HTTP_GET" || k.DelayLoop != time.Second || k.Retry != 1 || k.ConnectPort != 80 || k.ConnectIP.String() != "192.0.2.21" || len(k.HTTP.URLs) != 1 {
			t.Errorf("%s: checker %+v", name, k)
		}
	}
}
