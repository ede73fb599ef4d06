package print

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// one is a disk with one file on it.
type one string

func (o one) Read(name string) ([]byte, error) {
	switch name {
	case "k.conf":
		return []byte(o), nil
	case "/etc/holdfast/vrrp.key":
		return []byte("an ASCII key of as many bytes as it needs\n"), nil
	}
	return nil, os.ErrNotExist
}

func (o one) Glob(string) ([]string, error) { return nil, nil }

func load(text string) (*conf.Config, diag.List) {
	return conf.Load(one(text), "k.conf", conf.Options{})
}

// flat writes every field of a value on a line of its own, places left out.
func flat(b *strings.Builder, path string, v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[conf.Pos]():
	case v.Type().PkgPath() == "net/netip":
		fmt.Fprintf(b, "%s: %v\n", path, v.Interface())
	case v.Kind() == reflect.Pointer:
		if !v.IsNil() {
			flat(b, path, v.Elem())
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			flat(b, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				flat(b, path+"."+f.Name, v.Field(i))
			}
		}
	default:
		fmt.Fprintf(b, "%s: %v\n", path, v.Interface())
	}
}

// meaning is all that a configuration says (which it may change), without the checkers that have no
// effect yet and cannot be written without what is not kept.
func meaning(c *conf.Config) string {
	// An interface has no weight but the one said, so WeightSet means nothing.
	plain := func(ts []conf.Track) {
		for i := range ts {
			ts[i].WeightSet = false
		}
	}
	for _, i := range c.Instances {
		plain(i.TrackIfaces)
	}
	for _, g := range c.Groups {
		plain(g.TrackIfaces)
	}
	var b strings.Builder
	flat(&b, "", reflect.ValueOf(c))
	return b.String()
}

// hold: what is written says the same when it is read, and is written the same
// again.
func hold(t interface {
	Helper()
	Errorf(string, ...any)
}, c *conf.Config, was diag.List) {
	t.Helper()
	text := Text(Tree(c), true)
	again, found := load(text)
	for _, d := range found {
		// What is printed fits the grammar, unless it did not before and is kept.
		if slices.Contains([]string{"HF003", "HF010", "HF011", "HF012", "HF013"}, d.ID) &&
			!slices.ContainsFunc(was, func(o diag.Diagnostic) bool { return o.ID == d.ID && o.Message == d.Message }) {
			t.Errorf("%v", d)
		}
	}
	if x, y := meaning(c), meaning(again); x != y {
		t.Errorf("%s\n%s", difference(x, y), text)
	}
	if second, text := uncommented(Text(Tree(again), true)), uncommented(text); second != text {
		t.Errorf("written differently:\n%s", difference(text, second))
	}
	if o := Text(Tree(c), false); strings.Count(o, "auth_pass") != strings.Count(o, "auth_pass "+Mask) {
		t.Errorf("a password is shown: %s", o)
	}
	if !json.Valid(JSON(Tree(c), nil, false)) {
		t.Errorf("no JSON")
	}
}

// uncommented leaves out what is said of checkers that are not kept.
func uncommented(text string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(text, "\n"), func(l string) bool { return strings.HasPrefix(strings.TrimSpace(l), "#") }), "\n")
}

func difference(x, y string) string {
	a, b := strings.Split(x, "\n"), strings.Split(y, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return fmt.Sprintf("was %q, is %q", a[i], append(b, make([]string, i+1)...)[i])
		}
	}
	return "more: " + strings.Join(b[len(a):], ", ")
}

func TestSamples(t *testing.T) {
	files, _ := filepath.Glob("/usr/share/doc/keepalived/samples/keepalived.conf.*")
	more, _ := filepath.Glob("../../../examples/*/*.conf")
	files = append(files, more...)
	if dir := os.Getenv("HOLDFAST_CORPUS"); dir != "" {
		more, _ = filepath.Glob(filepath.Join(dir, "*.conf"))
		files = append(files, more...)
	}
	if len(files) == 0 {
		t.Skip("no samples on this machine")
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(f), func(t *testing.T) {
			c, found := load(string(text))
			hold(t, c, found)
		})
	}
}

// The small files that keepalived's verdicts were asked for have every mistake
// that somebody thought of.
func TestSmallFiles(t *testing.T) {
	all, err := os.ReadFile("../testdata/verdicts.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(all), "\n=== ")[1:] {
		name, text, _ := strings.Cut(part, "\n")
		t.Run(name, func(t *testing.T) {
			c, found := load(strings.ReplaceAll(text, "\\r", "\r"))
			hold(t, c, found)
		})
	}
}
