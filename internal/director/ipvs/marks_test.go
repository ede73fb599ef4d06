package ipvs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// fakeFirewall notes what it is asked, and which services there were then.
type fakeFirewall struct {
	kernel *fakeKernel
	told   []string
	fail   error
	other  bool // somebody changed it
}

func (f *fakeFirewall) note(what string) {
	var marks []string
	for k := range f.kernel.table {
		marks = append(marks, fmt.Sprint(k.FWMark))
	}
	slices.Sort(marks)
	f.told = append(f.told, what+" with "+strings.Join(marks, ","))
}

func (f *fakeFirewall) Apply(m *lvs.Marks) error {
	if f.fail != nil {
		return f.fail
	}
	f.other = false
	f.note("apply " + m.Table)
	return nil
}
func (f *fakeFirewall) Same(*lvs.Marks) (bool, error) { return !f.other, nil }
func (f *fakeFirewall) Remove(table string) error     { f.note("remove " + table); return nil }

// Packets are marked for another service when that one is there and the one
// before it still is; what fails is tried again; others' changes are undone.
func TestMarks(t *testing.T) {
	f := newFake(t)
	d := f.open()
	wall := &fakeFirewall{kernel: f}
	d.marks.firewall = wall
	table := func(mark uint32) lvs.Table {
		return one(lvs.ServiceKey{FWMark: mark, Family: 4}, "rr", s1)
	}
	told := func(want ...string) {
		t.Helper()
		if !slices.Equal(wall.told, want) {
			t.Errorf("the firewall was told %q, want %q", wall.told, want)
		}
		wall.told = nil
	}
	marks := func(name string, mark uint32) { d.Mark(lvs.Marks{Table: name, Each: []lvs.Mark{{Mark: mark}}}) }
	set := func(mark uint32) {
		t.Helper()
		if _, err := d.Set(ctx, lvs.Whole(table(mark))); err != nil {
			t.Fatal(err)
		}
	}
	marks("a", 5)
	set(5)
	told("apply a with 5")
	set(5)
	told()
	marks("a", 6)
	set(6)
	told("apply a with 5,6")

	wall.fail = errors.New("refused")
	marks("a", 7)
	if _, err := d.Set(ctx, lvs.Whole(table(7))); !errors.Is(err, wall.fail) {
		t.Errorf("the error is %v", err)
	}
	wall.fail = nil
	set(7)
	told("apply a with 7")

	wall.other = true
	ops, _, err := d.Audit(ctx)
	if len(ops) != 1 || ops[0].Verb != director.MarkPackets || err != nil {
		t.Errorf("an audit undid %v, %v", ops, err)
	}
	told("apply a with 7")

	marks("b", 7)
	set(7)
	told("apply b with 7", "remove a with 7")
	if err := d.Close(ctx, false); err != nil {
		t.Fatal(err)
	}
	told("remove b with 7")
	if len(f.table) > 0 {
		t.Errorf("left: %v", f.table)
	}
}
