package ipvs

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What was off is switched on while it is wanted, and put back; what was on
// stays, and what is missing is told.
func TestSwitches(t *testing.T) {
	was := switchFolder
	switchFolder = t.TempDir() + "/"
	t.Cleanup(func() { switchFolder = was })
	for name, value := range map[string]string{"conf/all": "0", "conf/eth0.7": "1", "conf/eth1": "0", "vs": ""} {
		dir := filepath.Join(switchFolder, name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		files := []string{"accept_local"}
		if name == "vs" {
			files, value = []string{"expire_nodest_conn", "expire_quiescent_template"}, "0"
		}
		for _, f := range files {
			if err := os.WriteFile(filepath.Join(dir, f), []byte(value+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	is := func() string {
		out := map[string]string{}
		for _, i := range []string{"all", "eth0.7", "eth1"} {
			b, err := os.ReadFile(switchFolder + "conf/" + i + "/accept_local")
			if err != nil {
				t.Fatal(err)
			}
			out[i] = strings.TrimSpace(string(b))
		}
		b, _ := os.ReadFile(switchFolder + "vs/expire_nodest_conn")
		out["vs"] = strings.TrimSpace(string(b))
		var text []string
		for _, k := range slices.Sorted(maps.Keys(out)) {
			text = append(text, k+"="+out[k])
		}
		return strings.Join(text, " ")
	}
	var d Director
	for _, step := range []struct {
		hear      []string
		expire    bool
		told, now string
		fails     bool
	}{
		{nil, false, "", "all=0 eth0.7=1 eth1=0 vs=0", false},
		{[]string{"", "eth0.7"}, false, "net.ipv4.conf.all.accept_local: 0 -> 1", "all=1 eth0.7=1 eth1=0 vs=0", false},
		{[]string{"", "eth0.7"}, true, "net.ipv4.vs.expire_nodest_conn: 0 -> 1; net.ipv4.vs.expire_quiescent_template: 0 -> 1", "all=1 eth0.7=1 eth1=0 vs=1", false},
		{[]string{"eth1", "gone"}, true, "net.ipv4.conf.all.accept_local: 1 -> 0; net.ipv4.conf.eth1.accept_local: 0 -> 1", "all=0 eth0.7=1 eth1=1 vs=1", true},
		{nil, false, "net.ipv4.conf.eth1.accept_local: 1 -> 0; net.ipv4.vs.expire_nodest_conn: 1 -> 0; net.ipv4.vs.expire_quiescent_template: 1 -> 0", "all=0 eth0.7=1 eth1=0 vs=0", false},
	} {
		told, err := d.SetHearing(step.hear)
		more, err2 := d.SetExpiry(step.expire)
		if got := strings.Join(append(told, more...), "; "); got != step.told || (err != nil) != step.fails || err2 != nil {
			t.Errorf("%v, %v: %s, %v, %v", step.hear, step.expire, got, err, err2)
		}
		if got := is(); got != step.now {
			t.Errorf("%v, %v: %s, want %s", step.hear, step.expire, got, step.now)
		}
	}
}

// memory are notes that are kept.
type memory map[string]string

func (m *memory) Read() (map[string]string, error)  { return *m, nil }
func (m *memory) Write(all map[string]string) error { *m = maps.Clone(all); return nil }

// What a checker that was killed had switched on, its successor puts back once
// nobody wants it, and nothing else, whatever the notes say.
func TestSwitchesOfAPredecessorArePutBack(t *testing.T) {
	was := switchFolder
	switchFolder = t.TempDir() + "/"
	t.Cleanup(func() { switchFolder = was })
	file := func(name string) string { return switchFolder + "conf/" + name }
	for _, i := range []string{"all", "eth0", "eth1", "eth2"} {
		if err := os.MkdirAll(file(i), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file(i+"/accept_local"), []byte("0\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	is := func(i string) string {
		b, err := os.ReadFile(file(i + "/accept_local"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	kept := &memory{}
	first := Director{notes: kept}
	if _, err := first.SetHearing([]string{"", "eth0", "eth1"}); err != nil || len(*kept) != 3 {
		t.Fatalf("%v, noted %v", err, *kept)
	}
	// It is killed; somebody sets one, and writes into the notes.
	if err := os.WriteFile(file("eth1/accept_local"), []byte("2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file("eth2/rp_filter"), []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	(*kept)["conf/eth2/rp_filter"] = "0"
	(*kept)["conf/../conf/eth0/accept_local"] = "7"

	next := Director{notes: kept}
	if err := next.recall(); err != nil {
		t.Fatal(err)
	}
	changed, err := next.SetHearing([]string{"eth0"})
	if err != nil || !slices.Equal(changed, []string{"net.ipv4.conf.all.accept_local: 1 -> 0"}) {
		t.Errorf("changed %v, %v", changed, err)
	}
	if changed, err = next.SetHearing(nil); err != nil || len(*kept) != 0 {
		t.Errorf("changed %v, %v, noted %v", changed, err, *kept)
	}
	if got := is("all") + is("eth0") + is("eth1"); got != "002" {
		t.Errorf("they are %s, want 002", got)
	}
	if b, _ := os.ReadFile(file("eth2/rp_filter")); string(b) != "1" {
		t.Errorf("rp_filter is %s: it was none of ours", b)
	}
}
