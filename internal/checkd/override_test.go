package checkd

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/bus"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/loop"
)

// clocks is a loop for its clocks alone.
var clocks = sync.OnceValue(func() *loop.Loop {
	l, err := loop.New()
	if err != nil {
		panic(err)
	}
	return l
})

// loaded reads a state file as a checker does at its start.
func loaded(t *testing.T, text string) (all map[target]*api.Override, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "holdfast.overrides")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b := bus.New()
	defer b.Close()
	d := &daemon{bus: b, loop: clocks()}
	d.boot.StateFile = path
	d.overrides.load(d)
	return d.overrides.all, path
}

func TestStateFileThereAndBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "holdfast.overrides")
	want := kept{"[192.0.2.1]:tcp:80 IPv4", api.Override{Service: "[192.0.2.1]:tcp:80", Server: "[10.0.0.1]:tcp:80",
		Kind: api.ServerWeight, Weight: 7, Since: time.Unix(1e9, 0).UTC(), Why: "a \"test\""}}
	for range 2 { // the second replaces the first
		if err := writeState(path, state{Version: stateVersion, Overrides: []kept{want}}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := readState(path)
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if left, _ := filepath.Glob(path + "?*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
}

func TestStateFileThatCannotBeWritten(t *testing.T) {
	for _, path := range []string{"", filepath.Join(t.TempDir(), "none", "x")} {
		if err := writeState(path, state{}); err == nil {
			t.Errorf("%q: no error", path)
		}
	}
}

// What is wrong in the file does not keep the checker from its work.
func TestGarbageInTheStateFile(t *testing.T) {
	good := kept{"pool", api.Override{Service: "vs", Server: "rs", Kind: api.ServerDrain}}
	for name, c := range map[string]struct {
		text  string
		kept  int
		aside bool
	}{
		"nothing":    {"", 0, true},
		"noise":      {"\x00\xff{{{", 0, true},
		"another":    {`{"version": 2, "overrides": []}`, 0, true},
		"too big":    {strings.Repeat(" ", maxState+1), 0, true},
		"too many":   {`{"version": 1, "overrides": [` + strings.TrimSuffix(strings.Repeat("{},", maxOverrides+1), ",") + `]}`, 0, true},
		"part of it": {`{"version": 1, "overrides": [` + written(t, good) + `, {"pool": "pool", "server": "x", "kind": "explode"}, {"pool": "p", "server": "x", "kind": "weight", "weight": 70000}, {"kind": "drain"}]}`, 1, false},
		"fine":       {`{"version": 1, "overrides": []}`, 0, false},
	} {
		all, path := loaded(t, c.text)
		if len(all) != c.kept {
			t.Errorf("%s: kept %v", name, all)
		}
		if _, err := os.Stat(path + ".bad"); (err == nil) != c.aside {
			t.Errorf("%s: set aside: %v", name, err)
		}
	}
}

func written(t *testing.T, k kept) string {
	b, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func FuzzStateFile(f *testing.F) {
	f.Add(`{"version": 1, "overrides": [{"pool": "p", "server": "x", "kind": "weight", "weight": 3}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		all, _ := loaded(t, text)
		if len(all) > maxOverrides {
			t.Errorf("%d overrides", len(all))
		}
	})
}

func TestNamesInErrors(t *testing.T) {
	names := []string{"[10.0.0.1]:tcp:80", "[10.0.0.1]:tcp:81", "[10.0.0.2]:tcp:80"}
	for given, want := range map[string]string{
		"10.0.0.1": `"10.0.0.1" may be any of [10.0.0.1]:tcp:80, [10.0.0.1]:tcp:81; say which real server`,
		"10.0.0.3": `there is no real server "10.0.0.3"; there is [10.0.0.1]:tcp:80, [10.0.0.1]:tcp:81, [10.0.0.2]:tcp:80`,
	} {
		if _, err := only("real server", "", names, given); err == nil || err.Error() != want {
			t.Errorf("%s: %v", given, err)
		}
	}
	if at, err := only("real server", "", names, "10.0.0.1:81"); err != nil || at != 1 {
		t.Errorf("got %d, %v", at, err)
	}
}

// A disk that is full, say: the command holds, the log tells of it once, and the
// file comes when it can.
func TestOverridesAreKeptLater(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	path := filepath.Join(dir, "holdfast.overrides")
	w := boot(t, config(realServer(netip.MustParseAddrPort("127.0.0.2:80"))), ipc.BootInfo{StateFile: path}, nil)
	answered := make(chan ipc.Message, 1)
	w.d.loop.Post(func() {
		w.d.overrides.again = time.Millisecond
		c := api.ServerCommand{Action: api.ServerWeight, Service: "10.1.0.1", Server: "127.0.0.2", Weight: 5}
		w.d.command(ipc.Message{Body: ipc.Marshal(c)}, func(m ipc.Message) { answered <- m })
	})
	if m := <-answered; !strings.Contains(string(m.Body), "no such file or directory") {
		t.Errorf("answered %s %s", m.Error, m.Body)
	}
	w.hear(`^overrides by command hold, but would not outlive this process, until they can be written: .*no such file`)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w.hear(`^overrides by command are written to ` + path + `$`)
	if got, err := readState(path); err != nil || len(got) != 1 || got[0].Weight != 5 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// What was said of the servers of one virtual server is taken back by its name,
// also when the configuration has it no longer; the rest stays.
func TestClearOfOneService(t *testing.T) {
	w := boot(t, config(realServer(netip.MustParseAddrPort("127.0.0.2:80"))), ipc.BootInfo{StateFile: filepath.Join(t.TempDir(), "x")}, nil)
	clear := func(service string) string {
		said := make(chan string, 1)
		w.d.loop.Post(func() {
			w.d.overrides.all = map[target]*api.Override{
				{w.d.order[0].plan.ID, "[127.0.0.2]:tcp:80"}: {Service: "[10.1.0.1]:tcp:80", Server: "[127.0.0.2]:tcp:80", Kind: api.ServerDrain},
				{"gone", "[127.0.0.2]:tcp:80"}:               {Service: "[10.1.0.9]:tcp:80", Server: "[127.0.0.2]:tcp:80", Kind: api.ServerDrain},
			}
			done, err := w.d.override(api.ServerCommand{Action: api.ServerClear, Service: service})
			said <- fmt.Sprint(len(done), len(w.d.overrides.all), err)
		})
		return <-said
	}
	for service, want := range map[string]string{
		"10.1.0.1": "1 1 <nil>", "10.1.0.9:80": "1 1 <nil>", "": "2 0 <nil>",
		"10.1.0.2": `0 2 there is no virtual server "10.1.0.2"; there is [10.1.0.1]:tcp:80, [10.1.0.9]:tcp:80`,
	} {
		if got := clear(service); got != want {
			t.Errorf("%q: %s, want %s", service, got, want)
		}
	}
}
