package conf_test

import (
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// fickle is a machine that answers every question but once otherwise.
type fickle struct{ asked map[string]int }

func (f fickle) again(what string) bool {
	f.asked[what]++
	return f.asked[what] == 1
}
func (f fickle) HostName() string           { return map[bool]string{true: "a", false: "b"}[f.again("host")] }
func (f fickle) Interface(name string) bool { return f.again("if " + name) }
func (f fickle) User(name string) bool      { return f.again("user " + name) }
func (f fickle) Group(name string) bool     { return f.again("group " + name) }
func (f fickle) Resolves(name string) bool  { return f.again("name " + name) }
func (f fickle) Number(_ [2]string, file, name string) (uint32, bool) {
	return 7, f.again("number " + file + name)
}
func (f fickle) Program(p string) conf.Program {
	return conf.Program{Executable: f.again("program " + p)}
}

// Whoever reads a configuration again gets the answers of the first time, also
// elsewhere; interfaces alone are looked for every time.
func TestFacts(t *testing.T) {
	first := conf.NewFacts(fickle{map[string]int{}})
	answers := func(f *conf.Facts) [6]bool {
		number, known := f.Number([2]string{"e", "u"}, "rt_tables", "blue")
		return [6]bool{f.HostName() == "a", f.User("u"), f.Group("g"), f.Resolves("h"), f.Program("p").Executable, number == 7 && known}
	}
	all := [6]bool{true, true, true, true, true, true}
	if once, again := answers(first), answers(first); once != all || again != all {
		t.Error("a question got two answers")
	}
	there, missing := first.Interface("eth0"), first.Unlike
	if !there || missing || first.Interface("eth0") || !first.Unlike {
		t.Error("an interface's coming and going is not seen")
	}
	second := conf.NewFacts(fickle{map[string]int{"host": 1, "user u": 1, "group g": 1, "name h": 1, "program p": 1, "number rt_tablesblue": 1}})
	if err := second.Recall(first.Marshal()); err != nil {
		t.Fatal(err)
	}
	if answers(second) != all {
		t.Error("what was remembered elsewhere was asked again")
	}
}
