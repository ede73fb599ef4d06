package dump

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/conf"
)

// watched is an instance that tracks a process and a BFD session.
func watched() (*conf.Config, *VRRP) {
	c, s := sample()
	c.TrackProcesses = []*conf.TrackProcess{{Name: "pr", Program: "sshd", Params: []string{"-D"}, Weight: 3, Quorum: 2, QuorumMax: anyNumber, ForkDelay: time.Second}}
	c.BFDs = []*conf.BFD{{
		Name: "peer1", Neighbour: netip.MustParseAddr("10.9.9.2"), Source: netip.MustParseAddr("10.9.9.1"), Weight: 5,
		MinRx: 100 * time.Millisecond, MinTx: 120 * time.Millisecond, IdleTx: 1500 * time.Millisecond, Multiplier: 4, TTL: 255,
	}}
	c.Instances[0].TrackProcesses = []conf.Track{{Name: "pr", Weight: -3, WeightSet: true}}
	c.Instances[0].TrackBFDs = []conf.Track{{Name: "peer1"}}
	s.Processes = []Process{{Name: "pr", Running: 2, Up: true}}
	s.BFDs = []TrackedBFD{{Name: "peer1"}}
	return c, s
}

// The lines and their order are keepalived's.
func TestTrackedProcessesAndBFD(t *testing.T) {
	c, s := watched()
	o := &Options{IDs: func(string, string) string { return "0:0" }}
	text := string(Data(c, s, o))
	for _, want := range []string{
		"   Tracked processes :\n     pr, weight -3\n   Tracked BFDs :\n     peer1: weight 5\n",
		"------< VRRP Track processes >------\n VRRP Track process = pr\n   Process = sshd\n   Parameters = -D\n   Min processes = 2\n" +
			"   Current processes = 2\n   Have quorum = true\n   Weight = 3\n   Terminate delay = 0.000000s\n   Fork delay = 1.000000s\n" +
			"   Full command = false\n   Tracking instances :\n     VI_1, weight -3\n",
		"------< VRRP Track BFDs >------\n VRRP Track BFD = peer1\n   Weight = 5\n   Bfd is down\n   Tracking VRRP instances :\n   Tracking instances :\n     VI_1, weight 5\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing:\n%s\nin:\n%s", want, text)
		}
	}
	c.Global.JSONVersion = 2
	var two struct {
		Process []struct {
			Name    string `json:"name"`
			Running int    `json:"current_processes"`
		} `json:"track_process"`
	}
	if err := json.Unmarshal(JSON(c, s), &two); err != nil || len(two.Process) != 1 || two.Process[0].Name != "pr" || two.Process[0].Running != 2 {
		t.Errorf("JSON: %+v, %v", two, err)
	}
}

func TestBFD(t *testing.T) {
	c, _ := watched()
	o := &Options{IDs: func(string, string) string { return "0:0" }}
	up := []api.BFDSession{{
		Name: "peer1", State: "Up", RemoteState: "Up", Diag: "no diagnostic", RemoteDiag: "neighbour signalled session down",
		Discriminator: 0x1a, RemoteDiscriminator: 0x2b, TxMS: 120.5, RxMS: 100, DetectMS: 300, RemoteMultiplier: 3,
	}}
	want := `------< BFD Topology >------
 BFD Instance = peer1
   Neighbor IP = 10.9.9.2
   Source IP = 10.9.9.1
   Required min RX interval = 100000 us
   Desired min TX interval = 120000 us
   Desired idle TX interval = 1500000 us
   Detection multiplier = 4
   TTL = 255
   max_hops = 0
   passive = false
   send error = false
   local state = Up
   remote state = Up
   local discriminator = 0x1a
   remote discriminator = 0x2b
   local diag = No Diagnostic
   remote diag = Neighbor Signaled Session Down
   remote detect multiplier = 3
   local tx intv = 120500 us
   remote tx intv = 100000 us
   local detection time = 300000 us
`
	if got := string(BFD(c, up, o)); !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s\nwant at the end\n%s", got, want)
	}
	if got := string(BFD(c, nil, o)); strings.Contains(got, "local state") {
		t.Error("a session that nobody told of has a state")
	}
}
