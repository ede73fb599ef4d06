package build

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// A keyword of real_server that has a block is a checker, which is to be built.
func TestEveryCheckerIsBuilt(t *testing.T) {
	seen := 0
	for _, k := range conf.Keywords() {
		if !k.Opens || !slices.Equal(k.In, []string{"virtual_server", "real_server"}) {
			continue
		}
		seen++
		if !Checks(k.Name) {
			t.Errorf("%s has a row in conf, and Checks does not know it: give it a Kind in probe.go, and a case in probe", k.Name)
		}
	}
	if seen < 13 {
		t.Errorf("the table has %d checkers only: this test no longer finds them", seen)
	}
}

// Every field of a Manner counts when two are compared, or a reload that changes
// it goes unnoticed; and what a field points at counts, not where that is, or
// every reload checks anew.
func TestSameKnowsEveryField(t *testing.T) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Manner]()) {
		if f.Type.Kind() != reflect.Pointer {
			var a, b Manner
			other(t, f.Name, reflect.ValueOf(&b).Elem().FieldByIndex(f.Index))
			if a.same(&b) {
				t.Errorf("Manner.%s can change and same (same.go) says nothing has", f.Name)
			}
			continue
		}
		with := func(change string) *Manner {
			m, v := new(Manner), reflect.New(f.Type.Elem())
			if change != "" {
				other(t, f.Name+"."+change, v.Elem().FieldByName(change))
			}
			reflect.ValueOf(m).Elem().FieldByIndex(f.Index).Set(v)
			return m
		}
		if with("").same(&Manner{}) {
			t.Errorf("Manner.%s can be there or not and same (same.go) sees no difference: compare it there", f.Name)
		}
		if !with("").same(with("")) {
			t.Errorf("Manner.%s is told apart by where it lies: in same (same.go), set it to nil in both copies and compare what it points at", f.Name)
		}
		for _, inner := range reflect.VisibleFields(f.Type.Elem()) {
			if inner.Anonymous || inner.Name == "Pos" {
				continue
			}
			if with("").same(with(inner.Name)) {
				t.Errorf("Manner.%s.%s can change and same (same.go) says nothing has", f.Name, inner.Name)
			}
		}
	}
}

// other gives a field a value that it does not have.
func other(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Struct:
		switch p := v.Addr().Interface().(type) {
		case *netip.Addr:
			*p = netip.MustParseAddr("192.0.2.1")
		case *netip.Prefix:
			*p = netip.MustParsePrefix("192.0.2.1/24")
		case *netip.AddrPort:
			*p = netip.MustParseAddrPort("192.0.2.1:80")
		default:
			other(t, name, v.Field(0))
		}
	default:
		t.Fatalf("%s: this test cannot make another %v", name, v.Type())
	}
}
