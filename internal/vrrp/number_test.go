package vrrp

import "testing"

// A file's number counts with its weight; too low a product forbids taking part.
func TestNumbers(t *testing.T) {
	cfg := config(100)
	cfg.Tracks = []TrackRef{{Name: "file f", Weight: 2, Scaled: true}, {Name: "file z", Scaled: true}}
	n := one(cfg)
	n.Step(0, Start{})
	number := func(name string, v int, why string) []Action {
		return n.Step(0, Track{Name: "file " + name, Up: v == 0, Number: v, Why: why})
	}
	number("f", 5, "holds 5")
	if s := n.Router(0).State; s != Init {
		t.Errorf("%s, though nothing is known of z", s)
	}
	expect(t, "known", number("z", 0, "holds 0"), "0 BACKUP: file z holds 0")
	if p := n.Router(0).Priority; p != 110 {
		t.Errorf("priority %d", p)
	}
	expect(t, "another number", number("f", -3, "holds -3"), "0 tell Changing effective priority from 110 to 94: file f holds -3")
	expect(t, "the same again", number("f", -3, "holds -3"), "")
	expect(t, "too low", number("f", -127, "holds -127"), "0 tell Changing effective priority from 94 to 100: file f holds -127; 0 FAULT: file f holds -127")
	expect(t, "better", number("f", 0, "holds 0"), "0 BACKUP: file f holds 0")
	expect(t, "no weight", number("z", 7, "holds 7"), "0 FAULT: file z holds 7")
	n.Step(0, Reconfigure{Config: Config{Routers: []RouterConfig{cfg}}})
	if s := n.Router(0).State; s != Fault {
		t.Errorf("a reload forgot the number: %s", s)
	}
}
