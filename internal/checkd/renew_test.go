package checkd

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/files"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// texts are configurations of four virtual servers, by what is changed.
func texts(global string, change map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "global_defs {\n router_id r\n%s}\n", global)
	for i := range 4 {
		fmt.Fprintf(&b, "virtual_server 10.1.0.%d 80 {\n delay_loop 9\n lb_algo rr\n lb_kind NAT\n protocol TCP\n real_server 10.0.0.1 80 {\n weight %d\n TCP_CHECK {\n }\n }\n}\n", i+1, i+1)
	}
	out := b.String()
	for from, to := range change {
		out = strings.Replace(out, from, to, 1)
	}
	return out
}

func snapshotOf(t testing.TB, path, text string) []byte {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := source.NewRecorder(files.Disk{})
	if _, err := r.Read(path); err != nil {
		t.Fatal(err)
	}
	return r.Set().Marshal()
}

// What a reload leaves out of its reading makes no difference to the plan.
func TestRenewedPlanIsThatOfTheWholeText(t *testing.T) {
	boot := &ipc.BootInfo{ConfigFile: filepath.Join(t.TempDir(), "k.conf")}
	plain := texts("", nil)
	for name, c := range map[string]struct {
		have, want string
		renewed    bool
	}{
		"one weight":          {plain, texts("", map[string]string{"weight 3": "weight 9"}), true},
		"the first and last":  {plain, texts("", map[string]string{"weight 1": "weight 7", "weight 4": "weight 8"}), true},
		"one server more":     {plain, texts("", map[string]string{"weight 2\n": "weight 2\n }\n real_server 10.0.0.2 80 {\n weight 5\n"}), true},
		"two change places":   {plain, strings.NewReplacer("10.1.0.2", "10.1.0.3", "10.1.0.3", "10.1.0.2", "weight 2", "weight 3", "weight 3", "weight 2").Replace(plain), false},
		"what all share":      {plain, texts(" checker_log_all_failures\n", nil), false},
		"another address":     {plain, texts("", map[string]string{"10.1.0.2": "10.1.0.9"}), false},
		"a virtual server":    {plain, plain + strings.ReplaceAll(plain[strings.Index(plain, "virtual_server 10.1.0.4"):], "10.1.0.4", "10.1.0.5"), false},
		"one twice":           {plain, texts("", map[string]string{"10.1.0.2": "10.1.0.1"}), false},
		"on_down expire":      {plain, texts("", map[string]string{"weight 3": "on_down expire"}), false},
		"no more on_down":     {texts("", map[string]string{"weight 3": "on_down expire"}), plain, false},
		"a definition":        {plain, "$W=3\n" + texts("", map[string]string{"weight 3": "weight $W"}), false},
		"a check that is not": {plain, texts("", map[string]string{"weight 2\n TCP_CHECK {\n }": "weight 2"}), true},
	} {
		old, err := read(inMemory(snapshotOf(t, boot.ConfigFile, c.have)), boot, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		snapshot := inMemory(snapshotOf(t, boot.ConfigFile, c.want))
		if p := old.renew(snapshot, boot); (p != nil) != c.renewed {
			t.Errorf("%s: renewed %v, want %v", name, p != nil, c.renewed)
		}
		got, err := read(snapshot, boot, old)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got.complete()
		whole, err := read(snapshot, boot, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got.pools, whole.pools) || !reflect.DeepEqual(got.byID, whole.byID) || !reflect.DeepEqual(got.services, whole.services) {
			t.Errorf("%s: the plan differs from that of the whole text", name)
		}
		again, err := read(snapshot, boot, got)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again.complete(); !reflect.DeepEqual(again.pools, whole.pools) {
			t.Errorf("%s: the same text once more makes a difference, %v", name, err)
		}
	}
}

// Reloads each change another virtual server, until all are other than at first:
// of their texts none stays but the last.
func TestRenewedPlansKeepNoTexts(t *testing.T) {
	boot := &ipc.BootInfo{ConfigFile: filepath.Join(t.TempDir(), "k.conf")}
	var gone atomic.Int32
	text, p := texts("", nil), (*plan)(nil)
	for i := range 5 {
		snapshot := snapshotOf(t, boot.ConfigFile, text)
		runtime.AddCleanup(&snapshot[0], func(struct{}) { gone.Add(1) }, struct{}{})
		next, err := read(inMemory(snapshot), boot, p)
		if err != nil {
			t.Fatal(err)
		}
		if p != nil && next.before == nil {
			t.Fatalf("reload %d was read whole", i)
		}
		next.complete()
		p, snapshot = next, nil
		text = strings.Replace(text, "lb_algo rr\n", fmt.Sprintf("lb_algo wrr\n virtualhost host-%d\n", i), 1)
	}
	for range 100 {
		if gone.Load() == 4 {
			break
		}
		runtime.GC()
		runtime.Gosched()
	}
	if n := gone.Load(); n != 4 {
		t.Errorf("%d of 5 texts are gone, want 4", n)
	}
	runtime.KeepAlive(p)
}
