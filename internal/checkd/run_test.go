package checkd

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// text is a configuration of one file.
type text string

func (t text) Read(name string) ([]byte, error) {
	if name != "keepalived.conf" {
		return nil, fs.ErrNotExist
	}
	return []byte(t), nil
}

func (text) Glob(string) ([]string, error) { return nil, nil }

// snapshot is what the reader would hand on of it.
func snapshot(t *testing.T, lines ...string) []byte {
	t.Helper()
	files := source.NewRecorder(text(strings.Join(lines, "\n") + "\n"))
	if _, found := conf.Load(files, "keepalived.conf", conf.Options{}); len(found) > 0 {
		t.Fatalf("%+v", found)
	}
	return files.Set().Marshal()
}

// From the file's bytes to a table, over the real entry point.
func TestRunFromASnapshot(t *testing.T) {
	b := newBackend(t, "127.0.0.2")
	data := snapshot(t,
		"global_defs {", " lvs_director none", "}",
		"virtual_server 10.1.0.1 80 {", " delay_loop 0.02", " lb_algo wrr", " lb_kind NAT", " protocol TCP", " alpha",
		fmt.Sprintf(" real_server 127.0.0.2 %d {", b.addr.Port()), "  weight 3", "  TCP_CHECK {", "   connect_timeout 1", "  }", " }", "}")
	parent, file, err := ipc.Pair()
	if err != nil {
		t.Fatal(err)
	}
	child, log := ipc.FromFD(taken(t, file)), bus.New()
	w := &world{t: t, parent: parent, lines: make(chan string, 1000), ended: make(chan error, 1)}
	listen(log, w.lines)
	go func() { w.ended <- Run(child, ipc.BootInfo{ConfigFile: "keepalived.conf"}, data, log) }()
	w.receive(ipc.Ready)
	w.hear(`^Director is none \(lvs_director none`)
	w.hear(`^Adding service \[127.0.0.2\]\S+ to VS \[10.1.0.1\]:tcp:80: TCP_CHECK succeeded$`)

	// A reload over the wire, with the last of several winning.
	for _, weight := range []int{4, 5, 6} {
		changed := []byte(strings.Replace(string(data), "weight 3", fmt.Sprintf("weight %d", weight), 1))
		memory, err := ipc.Seal("test", changed)
		if err != nil {
			t.Fatal(err)
		}
		if err := parent.Send(ipc.Message{Kind: ipc.Reload}, int(memory.Fd())); err != nil {
			t.Fatal(err)
		}
		memory.Close()
	}
	for range 3 {
		if m := w.receive(ipc.Reloaded); m.Error != "" {
			t.Errorf("reload: %s", m.Error)
		}
	}
	w.hear(`^Changing weight from \d to 6 for active service \[127.0.0.2\]`)

	memory, err := ipc.Seal("test", []byte("rubbish"))
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	if err := parent.Send(ipc.Message{Kind: ipc.Reload}, int(memory.Fd())); err != nil {
		t.Fatal(err)
	}
	if m := w.receive(ipc.Reloaded); m.Error == "" {
		t.Error("took rubbish for a configuration")
	}
	w.stop()
	w.hear(`^Shutting down VS \[10.1.0.1\]:tcp:80 with 1 live services: the parent says so$`)
	log.Close()
	_ = parent.Close()
}

func TestRubbishIsPermanent(t *testing.T) {
	err := Run(ipc.FromFD(dup(t)), ipc.BootInfo{}, []byte("rubbish"), bus.New())
	if !errors.Is(err, ipc.ErrPermanent) {
		t.Errorf("got %v", err)
	}
}

func TestGrainFollowsTheShortestInterval(t *testing.T) {
	plan := func(interval, retry time.Duration) *plan {
		c := tcpCheck()
		c.DelayLoop, c.Retry, c.DelayBeforeRetry = interval, 1, retry
		a := netip.MustParseAddrPort("127.0.0.2:80")
		b := netip.MustParseAddrPort("127.0.0.3:80")
		return newPlan(build.FromLVS(config(realServer(a, c), realServer(b))), nil)
	}
	for _, c := range []struct{ interval, retry, want time.Duration }{
		{time.Minute, time.Minute, maxGrain},
		{500 * time.Millisecond, time.Second, 5 * time.Millisecond},
		{time.Minute, 300 * time.Millisecond, 3 * time.Millisecond},
		{time.Minute, 0, maxGrain},
		{time.Millisecond, time.Second, minGrain},
	} {
		if got := plan(c.interval, c.retry).grain(); got != c.want {
			t.Errorf("interval %v, retry after %v: %v, want %v", c.interval, c.retry, got, c.want)
		}
	}
}
