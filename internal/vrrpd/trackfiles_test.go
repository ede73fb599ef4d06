package vrrpd

import (
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/conf"
)

func withFile(weight int) *conf.Config {
	i := instance("VI_1", 51, 100, "192.0.2.100/24")
	i.TrackFiles = []conf.Track{{Name: "load"}}
	c := config(i)
	c.TrackFiles = []*conf.TrackFile{{Name: "load", Path: "/run/load", Weight: weight}}
	return c
}

func (b *bench) file(n int, err error) { b.fileHolds(b.files, 0, n, err) }

func (b *bench) priority() int { return int(b.node.Router(0).Priority) }

func TestTrackFile(t *testing.T) {
	b := start(t, withFile(-2))
	b.want("before it is read", b.state(), "INIT")
	b.file(5, nil)
	b.want("read", b.state(), "BACKUP")
	if p := b.priority(); p != 90 {
		t.Errorf("priority %d", p)
	}
	b.said()
	b.file(7, nil)
	b.want("said", b.said(), "track_file load holds 7, before 5\n(VI_1) Changing effective priority from 90 to 86: file load holds 7")
	b.file(0, errors.New("the number is out of range"))
	b.file(0, errors.New("the number is out of range"))
	b.want("said", b.said(), "track_file load counts as 7: the number is out of range")
	b.file(200, nil)
	b.want("too much", b.state(), "FAULT")
	b.file(0, nil)
	b.want("less", b.state(), "BACKUP")
	if p := b.priority(); p != 100 {
		t.Errorf("priority %d", p)
	}
}

func TestTrackFileThatCannotBeRead(t *testing.T) {
	b := start(t, withFile(1))
	b.file(0, errors.New("permission denied"))
	if b.want("state", b.state(), "BACKUP"); b.priority() != 100 || !strings.Contains(b.said(), "counts as 0: permission denied") {
		t.Error("it should count as 0")
	}
}

func TestReloadOfTrackFile(t *testing.T) {
	b := start(t, withFile(1))
	b.file(5, nil)
	was := b.files
	c := withFile(1)
	c.Instances[0].TrackFiles[0] = conf.Track{Name: "load", Weight: 3, WeightSet: true}
	b.adopt(build.FromVRRP(c))
	if b.files != was || b.priority() != 115 {
		t.Errorf("the same file is followed anew, or its number forgotten: priority %d", b.priority())
	}
	b.adopt(build.FromVRRP(withFile(2)))
	b.fileHolds(was, 0, 50, nil) // still under way
	b.file(5, nil)
	if b.priority() != 110 {
		t.Errorf("priority %d", b.priority())
	}
	b.adopt(build.FromVRRP(config(instance("VI_1", 51, 100, "192.0.2.100/24"))))
	if b.priority() != 100 {
		t.Errorf("priority %d without it", b.priority())
	}
}
