package print

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

func all(t *testing.T) string {
	text, err := os.ReadFile("testdata/all.conf")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A field that is new in conf.Config belongs into testdata/all.conf, and what
// is not printed then fails here.
func TestEverythingIsPrinted(t *testing.T) {
	c, found := load(all(t))
	for _, d := range found {
		// vrrp_strict is not content with what the others are there for.
		if d.Severity >= diag.Warning && d.ID != "HF037" {
			t.Errorf("%v", d)
		}
	}
	said := map[string]bool{}
	fields(said, reflect.ValueOf(c))
	for name, ok := range said {
		if !ok {
			t.Errorf("%s is set nowhere in testdata/all.conf", name)
		}
	}
	hold(t, c, nil)
}

// fields notes which fields of structs are set somewhere.
func fields(said map[string]bool, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			fields(said, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			fields(said, v.Index(i))
		}
	case reflect.Struct:
		if v.Type().PkgPath() == "net/netip" || v.Type() == reflect.TypeFor[conf.Pos]() {
			return
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() || f.Type == reflect.TypeFor[conf.Pos]() {
				continue
			}
			name := v.Type().Name() + "." + f.Name
			said[name] = said[name] || !v.Field(i).IsZero()
			fields(said, v.Field(i))
		}
	}
}

func TestCommands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		argv := []string{"/bin/x"}
		for range rapid.IntRange(0, 3).Draw(t, "arguments") {
			argv = append(argv, rapid.StringMatching(`[a '"\\#!{}@~,.7-]{0,6}`).Draw(t, "argument"))
		}
		c, _ := load("vrrp_script a {\n    script " + Words(commandWord(argv)) + "\n}\n")
		if len(c.Scripts) != 1 || !reflect.DeepEqual(c.Scripts[0].Command.Argv, argv) {
			t.Fatalf("%q became %+v", argv, c.Scripts)
		}
	})
}

// Lines of the file that says everything, left out at random.
func TestPartsOfEverything(t *testing.T) {
	lines := strings.SplitAfter(all(t), "\n")
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.IntRange(0, 3), len(lines), len(lines)).Draw(t, "lines")
		var b strings.Builder
		for i, l := range lines {
			if seed[i] > 0 || strings.ContainsAny(l, "{}") {
				b.WriteString(l)
			}
		}
		c, found := load(b.String())
		hold(t, c, found)
	})
}
