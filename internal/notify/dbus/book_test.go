package dbus

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/holdfast-ha/holdfast/internal/feed"
)

const (
	vrrpPath     = root + "/Vrrp"
	instancePath = root + "/Instance"
)

func TestPaths(t *testing.T) {
	for _, c := range []struct {
		r    feed.Router
		want string
	}{
		{feed.Router{Interface: "eth0", VRID: 51, Family: 4}, "/org/keepalived/Vrrp1/Instance/eth0/51/IPv4"},
		{feed.Router{Interface: "e0-b.5_x", VRID: 255, Family: 6}, "/org/keepalived/Vrrp1/Instance/e0_b_5_x/255/IPv6"},
		{feed.Router{Interface: "br@ü", VRID: 1, Family: 4}, "/org/keepalived/Vrrp1/Instance/br__/1/IPv4"},
		{feed.Router{VRID: 7, Family: 4}, "/org/keepalived/Vrrp1/Instance/no_where/7/IPv4"},
	} {
		n := namesOf("", "", "no-where")
		if got := n.instance(&c.r); got != c.want {
			t.Errorf("%+v: %s, want %s", c.r, got, c.want)
		}
	}
}

// As keepalived has them where it can; a name that is no element of a path breaks
// its D-Bus.
func TestPathsOfDaemonsWithNames(t *testing.T) {
	for _, c := range []struct{ netns, instance, want string }{
		{"", "", "/org/keepalived/Vrrp1/Vrrp"},
		{"ns1", "", "/org/keepalived/Vrrp1/ns1/Vrrp"},
		{"", "in1", "/org/keepalived/Vrrp1/in1/Vrrp"},
		{"ns-1", "in.1", "/org/keepalived/Vrrp1/ns_1/in_1/Vrrp"},
	} {
		if n := namesOf(c.netns, c.instance, ""); n.vrrp() != c.want {
			t.Errorf("%q %q: %s, want %s", c.netns, c.instance, n.vrrp(), c.want)
		}
	}
}

// lines are signals for people.
func lines(signals []signal) string {
	var out []string
	for _, s := range signals {
		line := s.member
		if s.path != vrrpPath {
			line = strings.TrimPrefix(s.path, instancePath+"/") + fmt.Sprint(s.args)
		}
		out = append(out, line)
	}
	return strings.Join(out, " ")
}

func router(name string, vrid int, state string) feed.Router {
	return feed.Router{Name: name, Interface: "e0", VRID: vrid, Family: 4, State: state}
}

// The order is that of keepalived 2.2.7.
func TestNewsBecomeSignals(t *testing.T) {
	b := book{names: namesOf("", "", "none")}
	for _, step := range []struct {
		news feed.VRRP
		want string
	}{
		{feed.VRRP{Why: feed.Began, Routers: []feed.Router{router("a", 1, "BACKUP"), router("b", 2, "FAULT"), router("c", 3, "INIT")}},
			"VrrpStarted e0/1/IPv4[1] e0/2/IPv4[3]"},
		{feed.VRRP{Why: feed.Changed, Routers: []feed.Router{router("a", 1, "MASTER"), router("c", 3, "BACKUP"), router("a", 1, "FAULT")}},
			"e0/1/IPv4[2] e0/3/IPv4[1] e0/1/IPv4[3]"},
		{feed.VRRP{Why: feed.Changed, Routers: []feed.Router{router("a", 1, "FAULT"), router("stranger", 9, "MASTER")}}, ""},
		{feed.VRRP{Why: feed.Present, Routers: []feed.Router{router("a", 1, "BACKUP"), router("b", 2, "FAULT"), router("c", 3, "BACKUP")}},
			"e0/1/IPv4[1]"},
		{feed.VRRP{Why: feed.Reloaded, Routers: []feed.Router{router("a", 1, "BACKUP"), router("d", 4, "BACKUP")},
			Gone: []feed.Router{router("b", 2, "FAULT"), router("c", 3, "DELETED")}},
			"e0/3/IPv4[97] VrrpReloaded e0/4/IPv4[1]"},
		{feed.VRRP{Why: feed.Stopped, Routers: []feed.Router{router("a", 1, "INIT"), router("d", 4, "INIT")}},
			"e0/1/IPv4[98] e0/4/IPv4[98]"},
	} {
		if got := lines(b.news(&step.news)); got != step.want {
			t.Errorf("%s: %q, want %q", step.news.Why, got, step.want)
		}
	}
}

func TestTree(t *testing.T) {
	b := book{names: namesOf("", "", "none")}
	b.news(&feed.VRRP{Why: feed.Began, Routers: []feed.Router{router("a", 1, "BACKUP"), router("b", 2, "BACKUP"), router("twin", 2, "BACKUP")}})
	for path, want := range map[string][]string{
		"/": {"org"}, "/org/keepalived/Vrrp1": {"Vrrp", "Instance"}, "/org/keepalived/Vrrp1/Instance/e0": {"1", "2"},
		"/org/keepalived/Vrrp1/Instance/e0/1/IPv4": nil, vrrpPath: nil,
	} {
		if names := b.below(path); !slices.Equal(names, want) {
			t.Errorf("%s: %q, want %q", path, names, want)
		}
	}
	for _, path := range []string{"/o", "/org/keepalived/Vrrp1/Instance/e0/3", "/org/keepalived/Vrrp1/Vrrp/x"} {
		if doc := b.introspect(path); doc != docHead+docTail {
			t.Errorf("%s: %s", path, doc)
		}
	}
}

func TestCalls(t *testing.T) {
	b := book{names: namesOf("", "", "none")}
	b.news(&feed.VRRP{Why: feed.Began, Routers: []feed.Router{router("a", 1, "MASTER")}})
	at := instancePath + "/e0/1/IPv4"
	for _, c := range []struct {
		path, iface, member string
		args                []any
		want                string
	}{
		{at, properties, "Get", []any{instanceIface, "Name"}, `[("a",)] { }`},
		{at, properties, "Get", []any{instanceIface, "State"}, `[@(us) (2, "Master",)] { }`},
		{at, properties, "Get", []any{instanceIface, "Nope"}, "No such property “Nope”"},
		{at, properties, "Get", []any{instanceIface}, "No such interface “org.freedesktop.DBus.Properties” on object at path " + at},
		{at, properties, "GetAll", []any{"org.x"}, "No such interface “org.x”"},
		{vrrpPath, properties, "GetAll", []any{vrrpIface}, "[map[]] { }"},
		{at, instanceIface, SendGarp, nil, "[] {SendGarp a}"},
		{at, instanceIface, SendGarp, []any{"x"}, "Type of message, “(s)”, does not match expected type “()”"},
		{at, instanceIface, PrintData, nil, "No such method “PrintData”"},
		{vrrpPath, vrrpIface, PrintData, nil, "[] {PrintData }"},
		{vrrpPath, instanceIface, SendGarp, nil, "No such interface “org.keepalived.Vrrp1.Instance” on object at path /org/keepalived/Vrrp1/Vrrp"},
		{root, vrrpIface, PrintData, nil, "Object does not exist at path “/org/keepalived/Vrrp1”"},
	} {
		out, q, err := b.call(c.path, c.iface, c.member, dbus.SignatureOf(c.args...).String(), c.args)
		got := fmt.Sprint(out, " ", q)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s %s.%s%v: %s, want %s", c.path, c.iface, c.member, c.args, got, c.want)
		}
	}
}

// A bus that is slow gets the latest, and is told how many it has missed; one
// that is not there gets nothing, as it will ask.
func TestASlowBusGetsTheLatest(t *testing.T) {
	o := &Outlet{book: book{names: namesOf("", "", "none")}, wake: make(chan struct{}, 1)}
	states := []string{"BACKUP", "MASTER"}
	for i := range 3 {
		o.News(&feed.VRRP{Why: feed.Changed, Routers: []feed.Router{router("a", 1, states[i%2])}})
	}
	if len(o.waiting) != 0 {
		t.Errorf("%d wait for nobody", len(o.waiting))
	}
	o.online, o.book = true, book{names: namesOf("", "", "none")}
	o.News(&feed.VRRP{Why: feed.Began, Routers: []feed.Router{router("a", 1, "MASTER")}})
	first := len(o.waiting)
	for i := range MaxSignals + 3 - first {
		o.News(&feed.VRRP{Why: feed.Changed, Routers: []feed.Router{router("a", 1, states[i%2])}})
		if i == MaxSignals-first-1 && (len(o.waiting) != MaxSignals || o.lost != 0) {
			t.Errorf("%d wait, %d are lost, and the room is just full", len(o.waiting), o.lost)
		}
	}
	if len(o.waiting) != MaxSignals || o.lost != 3 {
		t.Errorf("%d wait, %d are lost", len(o.waiting), o.lost)
	}
	if got, want := lines(o.waiting[MaxSignals-2:]), "e0/1/IPv4[2] e0/1/IPv4[1]"; got != want && got != "e0/1/IPv4[1] e0/1/IPv4[2]" {
		t.Errorf("the latest are %q", got)
	}
	if len(o.wake) != 1 {
		t.Error("nobody was woken")
	}
}
