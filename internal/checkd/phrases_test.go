package checkd

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/check"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/files"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// Every kind of checker that a configuration can name is made ready, and told
// of in words of its own. all.conf has one of each.
func TestEveryKindIsReadyAndHasWords(t *testing.T) {
	cfg, _ := conf.Load(files.Disk{}, "../conf/print/testdata/all.conf", conf.Options{})
	found := map[string]bool{}
	for _, p := range build.FromLVS(cfg).Pools {
		for _, r := range p.Servers {
			for _, h := range r.Checks {
				found[h.Probe.Kind] = true
				if _, err := compile(&h.Probe); err != nil {
					t.Errorf("%s is not made ready: %v; give it a case in compile or single (probe.go)", h.Probe.Kind, err)
				}
				speaks(t, &h)
			}
		}
	}
	for _, k := range conf.Keywords() {
		if k.Opens && slices.Equal(k.In, []string{"virtual_server", "real_server"}) && !found[k.Name] {
			t.Errorf("no %s comes out of package build: give it a case in build/probe.go, and all.conf one that is complete", k.Name)
		}
	}
}

// speaks looks at what is said of a check: that it is about its server, that
// failing is no success, and that no verb of fmt is left over.
func speaks(t *testing.T, h *build.HealthCheck) {
	t.Helper()
	const name = "[192.0.2.9]:tcp:80"
	pool := &pool{plan: &planned{Pool: &build.Pool{}}}
	pool.plan.Name = "[192.0.2.1]:tcp:80"
	c := &checker{plan: h, monitor: &monitor{}, server: &server{pool: pool, config: &lvs.ServerConfig{Name: name}}}
	up, down := c.judged(check.Verdict{Up: true}), c.judged(check.Verdict{Detail: "refused", Retries: 2})
	for _, said := range []string{c.attempted(), up, down, c.judged(check.Verdict{Detail: "refused"})} {
		if !strings.Contains(said, name) || strings.Contains(said, "%!") {
			t.Errorf("%s says %q: give it phrases in act.go, for an attempt, a success and a failure", h.Probe.Kind, said)
			return
		}
	}
	if up == down || !strings.Contains(down, "refused") {
		t.Errorf("%s says %q when it is up and %q when it is down", h.Probe.Kind, up, down)
	}
}
