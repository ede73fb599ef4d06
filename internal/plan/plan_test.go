package plan

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/clock"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/print"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/vrrp"
)

// one is a disk with one file on it.
type one string

func (o one) Read(name string) ([]byte, error) {
	if name != "k.conf" {
		return nil, errors.New("no such file")
	}
	return []byte(o), nil
}

func (o one) Glob(string) ([]string, error) { return nil, nil }

func load(t testing.TB, text string) *conf.Config {
	t.Helper()
	c, found := conf.Load(one(text), "k.conf", conf.Options{})
	if found.Count(diag.Fatal) > 0 {
		t.Fatal(found)
	}
	return c
}

// TestPlans makes the plans in testdata: old, new, and what is said. UPDATE=1
// writes what is said now.
func TestPlans(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) == 0 {
		t.Fatal("no plans in testdata")
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			a, err := txtar.ParseFile(f)
			if err != nil {
				t.Fatal(err)
			}
			have, want := load(t, string(a.Files[0].Data)), load(t, string(a.Files[1].Data))
			got := Make(have, want).Text()
			if os.Getenv("UPDATE") != "" {
				a.Files[2].Data = []byte(got)
				if err := os.WriteFile(f, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got != string(a.Files[2].Data) {
				t.Errorf("got\n%s", got)
			}
			for _, c := range []*conf.Config{have, want} {
				if p := Make(c, c); p.Changes() {
					t.Errorf("a configuration differs from itself:\n%s", p.Text())
				}
			}
			agree(t, have, want)
		})
	}
}

// agree: a router that the plan keeps, changed or not, keeps its state in the
// machine, and one that it restarts, adds or removes does not.
func agree(t *testing.T, have, want *conf.Config) {
	t.Helper()
	said := map[string]Verdict{}
	for _, o := range Make(have, want).Objects {
		if o.Kind == "vrrp_instance" {
			said[o.Name] = o.Verdict
		}
	}
	a, b := build.FromVRRP(have), build.FromVRRP(want)
	n := vrrp.NewNode(a.Node)
	n.Step(0, vrrp.Start{})
	var from []int
	for _, act := range n.Step(clock.Instant(1), vrrp.Reconfigure{Config: b.Node}) {
		if r, ok := act.(vrrp.Renumbered); ok {
			from = r.From
		}
	}
	for i, at := range from {
		name := b.Routers[i].Name
		goes := said[name] == Kept || said[name] == Changed
		if goes != (at >= 0) {
			t.Errorf("vrrp_instance %s: the plan says %v, the machine continues %d", name, said[name], at)
		}
		delete(said, name)
	}
	for name, v := range said {
		if v != Removed {
			t.Errorf("vrrp_instance %s: the plan says %v, and the machine no longer has it", name, v)
		}
	}
}

// Whatever makes a configuration print differently is told, one line at a time.
func TestEveryDifferenceIsTold(t *testing.T) {
	text, err := os.ReadFile("../conf/print/testdata/all.conf")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	whole, _ := conf.Load(one(text), "k.conf", conf.Options{})
	for i, l := range lines {
		if strings.ContainsAny(l, "{}") {
			continue
		}
		c, _ := conf.Load(one(strings.Join(append(lines[:i:i], lines[i+1:]...), "")), "k.conf", conf.Options{})
		same := print.Text(print.Tree(whole), true) == print.Text(print.Tree(c), true)
		for _, p := range []*Plan{Make(whole, c), Make(c, whole)} {
			if p.Changes() == same {
				t.Errorf("%s the configuration is the same: %v; the plan:\n%s", l, same, p.Text())
			}
		}
		agree(t, whole, c)
	}
}

func TestChecksAreTakenOnce(t *testing.T) {
	tcp, other := build.HealthCheck{Probe: build.Probe{Manner: &build.Manner{Kind: "TCP_CHECK"}}}, build.HealthCheck{Probe: build.Probe{Manner: &build.Manner{Kind: "TCP_CHECK", Mark: 1}}}
	for _, c := range []struct {
		have []*build.HealthCheck
		want []build.HealthCheck
		from []int
	}{
		{nil, []build.HealthCheck{tcp}, []int{-1}},
		{[]*build.HealthCheck{&tcp}, []build.HealthCheck{tcp, tcp}, []int{0, -1}},
		{[]*build.HealthCheck{&tcp, &other, &tcp}, []build.HealthCheck{other, tcp, tcp}, []int{1, 0, 2}},
	} {
		got := Checks(c.have, c.want)
		for i := range c.from {
			if got[i] != c.from[i] {
				t.Errorf("%v, want %v", got, c.from)
				break
			}
		}
	}
}

func TestSecretsAreNotTold(t *testing.T) {
	text := "vrrp_instance a {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {\n 192.0.2.1\n }\n authentication {\n auth_type PASS\n auth_pass NAME\n }\n}\n"
	p := Make(load(t, strings.Replace(text, "NAME", "xyzzy", 1)), load(t, strings.Replace(text, "NAME", "plugh", 1)))
	if s := p.Text(); !strings.Contains(s, "auth_pass: another one") || strings.Contains(s, "xyzzy") || strings.Contains(s, "plugh") {
		t.Error(s)
	}
}
