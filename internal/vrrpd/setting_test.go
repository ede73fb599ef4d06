package vrrpd

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/feed"
	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// What is set over SNMP counts at once, is told, and lasts until the next reload.
func TestSetting(t *testing.T) {
	c := config(instance("VI_1", 51, 100, "192.0.2.100/24"), instance("VI_2", 52, 90, "192.0.2.101/24"))
	b := start(t, c)
	l := b.listener()
	b.hears(l)
	set := func(s feed.Setting) error {
		t.Helper()
		work, err := b.workOutSetting(ipc.Marshal(s))
		if err == nil {
			b.carryOutSetting(&work)
		}
		return err
	}
	status := func() string {
		s := b.survey(false).status()
		return strings.Join([]string{ipcText(s.Instances[0].BasePriority), ipcText(s.Instances[0].Priority), ipcText(s.Instances[0].Preempt), ipcText(s.Instances[0].Configured)}, " ")
	}
	if err := set(feed.Setting{Name: "VI_1", Priority: 7}); err != nil {
		t.Fatal(err)
	}
	b.want("a backup", b.hears(l), "changed, eth0/51/4:BACKUP 7")
	b.want("a backup's status", status(), `7 7 true {"priority":100,"preempt":true}`)
	if err := set(feed.Setting{Name: "VI_1", Preempt: feed.Off}); err != nil {
		t.Fatal(err)
	}
	b.want("no preemption", status(), `7 7 false {"priority":100,"preempt":true}`)
	b.pass(5 * time.Second)
	for range 2 {
		b.hears(l)
	}
	if err := set(feed.Setting{Name: "VI_1", Priority: 100}); err != nil {
		t.Fatal(err)
	}
	b.want("a master", b.hears(l), "changed, eth0/51/4:MASTER 100")
	if err := set(feed.Setting{Name: "VI_1", Preempt: feed.On}); err != nil {
		t.Fatal(err)
	}
	b.want("all as configured", status(), "100 100 true null")

	if err := set(feed.Setting{Name: "VI_1", Priority: 60}); err != nil {
		t.Fatal(err)
	}
	b.hears(l)
	b.adopt(build.FromVRRP(c))
	b.want("the same configuration again", status(), "100 100 true null")
	b.hears(l)

	for _, s := range []feed.Setting{{Name: "nobody", Priority: 7}, {Name: "VI_1", Priority: 256}, {Name: "VI_1", Priority: -1}} {
		if err := set(s); err == nil {
			t.Errorf("%+v was set", s)
		}
	}
	if _, err := b.workOutSetting([]byte("{")); err == nil {
		t.Error("nonsense was set")
	}
}

func ipcText(v any) string { return string(ipc.Marshal(v)) }
