package build

import (
	"reflect"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// Same reports whether two parts of a configuration say the same, wherever in
// the files they stand. An empty list is as good as none.
func Same[T any](a, b T) bool { return alike(reflect.ValueOf(a), reflect.ValueOf(b)) }

func alike(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		if a.Kind() == reflect.Interface && a.Elem().Type() != b.Elem().Type() {
			return false
		}
		return alike(a.Elem(), b.Elem())
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !alike(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Struct:
		return alikeStructs(a, b)
	case reflect.Map:
		return reflect.DeepEqual(a, b)
	default:
		return a.Equal(b)
	}
}

// alikeStructs compares all fields but positions. What hides them all is a value
// of its own (netip.Addr), and comparable.
func alikeStructs(a, b reflect.Value) bool {
	t := a.Type()
	if t == reflect.TypeFor[conf.Pos]() {
		return true
	}
	if hides(t) {
		return a.Equal(b)
	}
	for i := range t.NumField() {
		if !alike(a.Field(i), b.Field(i)) {
			return false
		}
	}
	return true
}

// hides reports whether a struct shows none of its fields.
func hides(t reflect.Type) bool {
	for i := range t.NumField() {
		if t.Field(i).IsExported() {
			return false
		}
	}
	return true
}
