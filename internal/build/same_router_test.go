package build

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// What is changed anywhere in a router is noticed, as by the comparison of
// everything; where it stands in a file is not.
func TestEveryFieldOfARouterCounts(t *testing.T) {
	whole := func() *Router {
		r := &Router{
			Addresses: make([]conf.Address, 1), Routes: make([]conf.Route, 1), Rules: make([]conf.Route, 1),
			Advertised: make([]netip.Addr, 1), Peers: make([]conf.Peer, 1), HMAC: &HMAC{},
		}
		r.Notify = conf.Notify{
			Master: &conf.Command{}, Backup: &conf.Command{}, Fault: &conf.Command{}, Stop: &conf.Command{},
			Deleted: &conf.Command{}, Any: &conf.Command{}, MasterRxLowerPri: &conf.Command{},
		}
		return r
	}
	n := 0
	for ; ; n++ {
		left, what := n, ""
		o := whole()
		if !another(t, reflect.ValueOf(o).Elem(), "Router", &left, &what) {
			break
		}
		if got, want := whole().Same(o), Same(whole(), o); got != want {
			t.Errorf("another %s: the same %v, by the comparison of everything %v", what, got, want)
		}
	}
	if n < reflect.TypeFor[Router]().NumField() {
		t.Errorf("%d values were changed", n)
	}
}

// another gives the value that many leaves further another one than it has; it
// reports whether there are so many, and which it is.
func another(t *testing.T, v reflect.Value, at string, left *int, what *string) bool {
	inside := func(v reflect.Value, name string) bool { return another(t, v, at+name, left, what) }
	switch v.Kind() {
	case reflect.Pointer:
		return inside(v.Elem(), "")
	case reflect.Slice:
		if v.Len() > 0 && inside(v.Index(0), "") {
			return true
		}
	case reflect.Array:
		return inside(v.Index(0), "")
	case reflect.Struct:
		for i := 0; !hides(v.Type()) && i < v.NumField(); i++ {
			if inside(v.Field(i), "."+v.Type().Field(i).Name) {
				return true
			}
		}
		if !hides(v.Type()) {
			return false
		}
	default:
	}
	if *left--; *left >= 0 {
		return false
	}
	*what = at
	if v.Kind() == reflect.Slice {
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem()))) // there may be some already
	} else {
		other(t, at, v)
	}
	return true
}
