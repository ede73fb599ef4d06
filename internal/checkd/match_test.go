package checkd

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	match "github.com/holdfast-ha/holdfast/internal/plan"
)

// one is a disk with one file on it.
type one []byte

func (o one) Read(string) ([]byte, error)   { return o, nil }
func (o one) Glob(string) ([]string, error) { return nil, nil }

var _ source.Files = one{}

// What a plan says of virtual servers, real servers and checks is what a
// reload does: what it keeps or changes is the very same afterwards.
func TestReloadDoesAsPlanned(t *testing.T) {
	a, err := txtar.ParseFile("../plan/testdata/lvs.txt")
	if err != nil {
		t.Fatal(err)
	}
	var cfg [2]*conf.Config
	for i := range cfg {
		text := strings.ReplaceAll(string(a.Files[i].Data), "10.1.0.", "127.0.0.") // nobody is there
		cfg[i], _ = conf.Load(one(text), "k.conf", conf.Options{})
	}
	said := map[string]match.Verdict{}
	for _, o := range match.Make(cfg[0], cfg[1]).Objects {
		if o.Kind == "virtual_server" {
			verdicts(said, "", o)
		}
	}
	w := start(t, cfg[0])
	before := w.objects()
	w.reload(cfg[1])
	after := w.objects()

	kept, other := 0, 0
	for name, v := range said {
		was, is := before[name], after[name]
		switch v {
		case match.Kept, match.Changed:
			kept++
			if was == nil || was != is {
				t.Errorf("%s: the plan says %v, it was %p and is %p", name, v, was, is)
			}
		case match.Restarted:
			other++
			if was == nil || is == nil || was == is {
				t.Errorf("%s: the plan says %v, it was %p and is %p", name, v, was, is)
			}
		case match.Added, match.Removed:
			other++
			if (was == nil) != (v == match.Added) || (is == nil) != (v == match.Removed) {
				t.Errorf("%s: the plan says %v, it was %p and is %p", name, v, was, is)
			}
		}
	}
	for name := range after {
		if _, ok := said[name]; !ok {
			t.Errorf("the plan says nothing of %s", name)
		}
	}
	if kept == 0 || other == 0 {
		t.Errorf("%d kept, %d others: nothing was compared", kept, other)
	}
}

func verdicts(into map[string]match.Verdict, path string, o match.Object) {
	path += "/" + o.Kind + " " + o.Name
	into[path] = o.Verdict
	for _, p := range o.Parts {
		verdicts(into, path, p)
	}
}

// objects are what the daemon has, by the names that plans give them; no
// server here has two checks of one kind.
func (w *world) objects() map[string]any {
	got := make(chan map[string]any)
	w.d.loop.Post(func() {
		out := map[string]any{}
		for _, p := range w.d.order {
			pool := "/virtual_server " + p.name()
			out[pool] = p
			for _, s := range p.order {
				server := pool + "/real_server " + s.name()
				out[server] = s
				for _, c := range s.checks {
					out[server+"/"+c.plan.Probe.Kind+" "] = c
				}
			}
		}
		got <- out
	})
	return <-got
}
