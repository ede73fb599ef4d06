package checkd

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// Over SNMP a weight can be set, and nothing else.
func TestOutletsWeigh(t *testing.T) {
	w := start(t, config(realServer(netip.MustParseAddrPort("127.0.0.2:80"))))
	w.table("[127.0.0.2=1]")
	ours, file, err := ipc.Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ours.Close() })
	fd := taken(t, file)
	w.d.loop.Post(func() { w.d.linkOutlets(fd) })
	order := func(c api.ServerCommand) (trouble string) {
		t.Helper()
		c.Service, c.Server = "[10.1.0.1]:tcp:80", "[127.0.0.2]:tcp:80"
		if err := ours.Send(ipc.Message{Kind: ipc.Order, Seq: 7, Body: ipc.Marshal(c)}); err != nil {
			t.Fatal(err)
		}
		for {
			m, _, err := ours.Recv()
			if err != nil {
				t.Fatal(err)
			}
			if m.Kind == ipc.Answer && m.Seq == 7 {
				return m.Error
			}
		}
	}
	if no := order(api.ServerCommand{Action: api.ServerWeight, Weight: 7}); no != "" {
		t.Error(no)
	}
	w.table("[127.0.0.2=7]")
	for _, c := range []api.ServerCommand{
		{Action: api.ServerDisable}, {Action: api.ServerClear}, {Action: api.ServerWeight, Weight: -1},
		{Action: api.ServerWeight, Weight: 65536}, {Action: api.ServerWeight, Why: strings.Repeat("x", api.MaxWhy+1)},
	} {
		if no := order(c); no == "" {
			t.Errorf("%+v is done", c)
		}
	}
	w.table("[127.0.0.2=7]")
}
