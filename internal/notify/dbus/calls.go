package dbus

import (
	"fmt"

	"github.com/godbus/dbus/v5"
)

// Methods of ours.
const (
	SendGarp        = "SendGarp" // of an instance; the others of all of VRRP
	PrintData       = "PrintData"
	PrintStats      = "PrintStats"
	PrintStatsClear = "PrintStatsClear"
	ReloadConfig    = "ReloadConfig"
)

var vrrpMethods = map[string]bool{PrintData: true, PrintStats: true, PrintStatsClear: true, ReloadConfig: true}

// Request is a method that somebody called.
type Request struct {
	Method   string
	Instance string // of SendGarp
}

const (
	introspectable = "org.freedesktop.DBus.Introspectable"
	properties     = "org.freedesktop.DBus.Properties"

	errArgs   = "org.freedesktop.DBus.Error.InvalidArgs"
	errMethod = "org.freedesktop.DBus.Error.UnknownMethod"
)

func refuse(name, format string, args ...any) error {
	return dbus.NewError(name, []any{fmt.Sprintf(format, args...)})
}

// The library looks for an object, then an interface, then a method; which of
// them is missing is known only here, so that the first two always exist.
type (
	object struct {
		o    *Outlet
		path string
	}
	iface struct {
		object
		name string
	}
	method struct {
		iface
		member string
	}
)

// LookupObject is the library's way to find an object.
func (o *Outlet) LookupObject(path dbus.ObjectPath) (dbus.ServerObject, bool) {
	return object{o, string(path)}, true
}

// LookupInterface is the library's way to find an interface.
func (ob object) LookupInterface(name string) (dbus.Interface, bool) { return iface{ob, name}, true }

// LookupMethod is the library's way to find a method.
func (i iface) LookupMethod(name string) (dbus.Method, bool) { return method{i, name}, true }

// DecodeArguments leaves them as they are, behind their signature.
func (m method) DecodeArguments(_ *dbus.Conn, _ string, msg *dbus.Message, args []any) ([]any, error) {
	types, _ := msg.Headers[dbus.FieldSignature].Value().(dbus.Signature) // without arguments there is none
	return append([]any{types.String()}, args...), nil
}

func (m method) NumArguments() int     { return 0 }
func (m method) NumReturns() int       { return 0 }
func (m method) ArgumentValue(int) any { return nil }
func (m method) ReturnValue(int) any   { return nil }

// Call answers; it runs on a goroutine of the library.
func (m method) Call(args ...any) ([]any, error) {
	types, _ := args[0].(string)
	m.o.mu.Lock()
	out, request, err := m.o.book.call(m.path, m.name, m.member, types, args[1:])
	m.o.mu.Unlock()
	if request.Method != "" {
		m.o.options.Asked(request)
	}
	return out, err
}

// call says what a method returns, or what is to be done about it. Its errors
// are those of GDBus, which keepalived uses.
func (b *book) call(path, name, member, types string, args []any) (out []any, q Request, err error) {
	i := b.byPath[path]
	want, standard := standardMethods[name+"."+member]
	standard = standard && types == want // otherwise GDBus knows nothing of it
	switch {
	case name == introspectable && standard:
		out = []any{b.introspect(path)}
	case i == nil && path != b.vrrp():
		err = nowhere(path)
	case name == properties && standard:
		out, err = b.callProperties(i, member, args)
	case name == vrrpIface && i == nil && vrrpMethods[member]:
		q, err = Request{Method: member}, unasked(types)
	case name == instanceIface && i != nil && member == SendGarp:
		q, err = Request{Method: member, Instance: i.name}, unasked(types)
	case name == vrrpIface && i == nil, name == instanceIface && i != nil:
		err = refuse(errMethod, "No such method “%s”", member)
	default:
		err = refuse(errMethod, "No such interface “%s” on object at path %s", name, path)
	}
	if err != nil {
		q = Request{}
	}
	return out, q, err
}

func nowhere(path string) error {
	return refuse(errMethod, "Object does not exist at path “%s”", path)
}

// unasked refuses arguments, by their types, where there are none.
func unasked(types string) error {
	if types != "" {
		return refuse(errArgs, "Type of message, “(%s)”, does not match expected type “()”", types)
	}
	return nil
}

// standardMethods are those of every object, and their arguments.
var standardMethods = map[string]string{
	introspectable + ".Introspect": "",
	properties + ".Get":            "ss", properties + ".GetAll": "s", properties + ".Set": "ssv",
}

// callProperties: i is nil for the object of all of VRRP, which has none.
func (b *book) callProperties(i *instance, member string, args []any) ([]any, error) {
	of, all := vrrpIface, map[string]dbus.Variant{}
	if i != nil {
		of, all = instanceIface, i.properties()
	}
	if name, _ := args[0].(string); name != of {
		return nil, refuse(errArgs, "No such interface “%s”", name)
	}
	if member == "GetAll" {
		return []any{all}, nil
	}
	name, _ := args[1].(string)
	v, there := all[name]
	switch {
	case !there:
		return nil, refuse(errArgs, "No such property “%s”", name)
	case member == "Set":
		return nil, refuse(errArgs, "Property “%s” is not writable", name)
	}
	return []any{v}, nil
}

// properties are an instance's. keepalived puts the name into a structure of
// one, against what it says of its type, and so clients expect it.
func (i *instance) properties() map[string]dbus.Variant {
	return map[string]dbus.Variant{
		"Name":  dbus.MakeVariant(struct{ Name string }{i.name}),
		"State": dbus.MakeVariant(i.status),
	}
}
