package netns_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// upheaval is something that happens to a link while the daemon runs, in lines
// for ip(8) in which words are replaced as uplink.ip says.
type upheaval struct {
	what  string
	do    []string
	cause string   // why its routers are in FAULT until undo; empty: they are not
	undo  []string // each in the node's namespace
	away  []string // before undo, in the other namespace
}

// made makes a link whose other end is on a bridge of the node.
var made = []string{"link add LINK type veth peer name FAR", "link set FAR master BRIDGE up", "link set LINK up", "addr add OWN/24 dev LINK"}

var upheavals = []upheaval{
	{what: "goes down and up", do: []string{"link set LINK down"}, cause: "it is not set up", undo: []string{"link set LINK up"}},
	{what: "is removed and made again", do: []string{"link del LINK"}, cause: "there is no such interface", undo: made},
	{what: "has another name for a while", do: []string{"link set LINK name OTHER"}, cause: "there is no such interface", undo: []string{"link set OTHER name LINK"}},
	{what: "changes its MAC address", do: []string{"link set LINK address 02:00:00:00:aa:01"}},
	{what: "changes its address", do: []string{"addr add NEW/24 dev LINK", "addr del OWN/24 dev LINK"}, undo: []string{"addr add OWN/24 dev LINK", "addr del NEW/24 dev LINK"}},
	{what: "moves to a VRF and back", do: []string{"link set LINK master blue"}, undo: []string{"link set LINK nomaster"}},
	{
		what: "moves to another namespace and back", do: []string{"link set LINK netns AWAY"}, cause: "there is no such interface",
		away: []string{"link set LINK netns HOME"}, undo: []string{"link set LINK up", "addr add OWN/24 dev LINK"},
	},
}

// uplink is a link of a node, with the routers that are on it.
type uplink struct {
	link, net string
	routers   []seat
}

// seat is a router and where its address is.
type seat struct{ name, address, dev string }

// route is the destination of the router's virtual route.
func (r seat) route() string { return "203.0.113." + r.address[strings.LastIndex(r.address, ".")+1:] }

// routed reports whether a node has it, on whatever link.
func (r seat) routed(t *testing.T, n *lab.Node) bool {
	return run(t, n, "ip", "route", "show", r.route()) != ""
}

var uplinks = []uplink{
	{"eth0", "192.0.2.", []seat{{"plain", "192.0.2.100", "eth0"}, {"virtual", "192.0.2.101", "vrrp.52"}}},
	{"eth1", "198.51.100.", []seat{{"second", "198.51.100.102", "eth1"}}},
}

// shaken is a node whose links are shaken.
type shaken struct {
	*lab.Daemon
	own        string // the last byte of its addresses
	home, away *lab.Process
	elsewhere  *lab.Node
	vrf        bool // the kernel has VRFs
}

// shake makes a node with a daemon, and another namespace to which links move.
func shake(t *testing.T, l *lab.Lab, name, own string, priority int) *shaken {
	t.Helper()
	n := NodeWith(t, l, name, lab.Port{LAN: "lan0", Name: "port0"}, lab.Port{LAN: "lan1", Name: "port1"})
	s := &shaken{own: own, elsewhere: NodeWith(t, l, name+"-away")}
	var err error
	s.home, err = n.Start("sleep", "1000")
	Must(t, err)
	s.away, err = s.elsewhere.Start("sleep", "1000")
	Must(t, err)
	for key, value := range map[string]string{
		"net/ipv4/conf/all/arp_ignore":          "1", // the bridges do not answer for the links
		"net/ipv4/conf/all/promote_secondaries": "1", // an address does not take others with it
	} {
		Must(t, n.Sysctl(key, value))
	}
	if _, err := n.Run("ip", "link", "add", "blue", "type", "vrf", "table", "100"); err == nil {
		s.vrf = true
		ip(t, n, "link set blue up")
	}
	for i, u := range uplinks {
		ip(t, n, fmt.Sprintf("link add br%d type bridge", i))
		ip(t, n, fmt.Sprintf("link set port%d master br%d", i, i))
		ip(t, n, fmt.Sprintf("link set br%d up", i))
		for _, line := range made {
			ip(t, n, s.words(u, line))
		}
	}
	text := ""
	for i, u := range uplinks {
		for j, r := range u.routers {
			extra := "garp_master_delay 0\n    " + map[string]string{"virtual": "use_vmac", "second": ipvlan(n, u, own)}[r.name] +
				"\n    virtual_routes {\n        " + r.route() + " dev " + u.link + "\n    }"
			text += Instance{
				Name: r.name, Interface: u.link, VRID: 51 + i*2 + j, Priority: priority, Advert: "0.1",
				Addresses: []string{r.address + "/24"}, Extra: extra,
			}.String()
		}
	}
	_, err = n.Backend(":80")
	Must(t, err)
	s.Daemon = Start(t, n, Holdfast(), config(text))
	return s
}

// ipvlan has a router speak from an ipvlan, where the kernel has such links.
func ipvlan(n *lab.Node, u uplink, own string) string {
	if _, err := n.Run("ip", "link", "add", "try0", "link", u.link, "type", "ipvlan", "mode", "l2"); err != nil {
		return ""
	}
	_, _ = n.Run("ip", "link", "del", "try0")
	return "use_ipvlan ip0 " + u.net + "1" + own + "/24"
}

// words is a line for a link of the node.
func (s *shaken) words(u uplink, line string) string {
	return strings.NewReplacer("LINK", u.link, "FAR", u.link+"far", "OTHER", u.link+"other", "BRIDGE", "br"+u.link[3:],
		"OWN", u.net+s.own, "NEW", u.net+"2"+s.own, "AWAY", fmt.Sprint(s.away.PID()), "HOME", fmt.Sprint(s.home.PID())).Replace(line)
}

// all runs lines for each link on a node.
func (s *shaken) all(t *testing.T, n *lab.Node, lines []string) {
	t.Helper()
	for _, line := range lines {
		for _, u := range uplinks {
			words := s.words(u, line)
			if out, err := n.Run("ip", strings.Fields(words)...); err == nil {
				continue
			} else if !strings.Contains(line, " name ") {
				t.Fatalf("ip %s: %v %s", words, err, out)
			}
			// A kernel before 6.2 renames only what is down.
			f := strings.Fields(words)
			ip(t, n, "link set "+f[2]+" down")
			ip(t, n, words)
			ip(t, n, "link set "+f[4]+" up")
		}
	}
}

// everywhere waits until something holds for every router.
func everywhere(t *testing.T, what string, holds func(u uplink, r seat) bool) {
	t.Helper()
	for _, u := range uplinks {
		for _, r := range u.routers {
			Wait(t, r.name+" "+what, func() bool { return holds(u, r) })
		}
	}
}

// serves: it is the master, has its address where it belongs and nowhere else,
// the other one hears it, and a client's neighbour entry is that of the link.
func serves(t *testing.T, master, backup *shaken, client *lab.Node) {
	t.Helper()
	everywhere(t, "is served by "+master.Name, func(_ uplink, r seat) bool {
		m, b := master.Instance(r.name), backup.Instance(r.name)
		if m == nil || b == nil || m.State != "MASTER" || b.State != "BACKUP" || backup.Node.Has(r.address) || !holds(master.Node, r.dev, r.address)() ||
			!r.routed(t, master.Node) || r.routed(t, backup.Node) {
			return false
		}
		return b.Master != "" && master.Node.Has(b.Master) && b.HeardMS < 1000
	})
	everywhere(t, "is known to the client as "+master.Name+"'s", func(_ uplink, r seat) bool {
		link := run(t, master.Node, "ip", "-br", "link", "show", r.dev)
		mac := strings.Fields(link)[2]
		return strings.Contains(run(t, client, "ip", "neigh", "show", r.address), mac)
	})
}

// acquaint makes a client ask for the virtual addresses, so that it has entries
// that announcements change.
func (s *shaken) acquaint(t *testing.T, client *lab.Node) {
	t.Helper()
	everywhere(t, "answers the client", func(_ uplink, r seat) bool {
		who, err := client.Get(t.Context(), r.address+":80")
		return err == nil && who == s.Name
	})
}

// Whatever happens to the links of a master or of a backup: who has them serves,
// and when they are as they were, so is all the rest.
func TestUpheavalsOfAMaster(t *testing.T) { upheave(t, true) }

func TestUpheavalsOfABackup(t *testing.T) { upheave(t, false) }

func upheave(t *testing.T, atMaster bool) {
	l := New(t)
	a, b := shake(t, l, "a", "11", 150), shake(t, l, "b", "12", 100)
	client := NodeWith(t, l, "client", lab.Port{LAN: "lan0", Name: "eth0", Addresses: []string{"192.0.2.50/24"}},
		lab.Port{LAN: "lan1", Name: "eth1", Addresses: []string{"198.51.100.50/24"}})
	everywhere(t, "is served by a", func(_ uplink, r seat) bool { return a.Node.Has(r.address) })
	a.acquaint(t, client)
	serves(t, a, b, client)
	victim, other := a, b
	if !atMaster {
		victim, other = b, a
	}
	for _, h := range upheavals {
		if strings.Contains(h.what, "VRF") && !victim.vrf {
			t.Logf("a link that %s: this kernel has no VRFs", h.what)
			continue
		}
		t.Log(h.what)
		victim.all(t, victim.Node, h.do)
		if h.cause != "" {
			everywhere(t, "knows that its link "+h.what, func(u uplink, r seat) bool {
				i := victim.Instance(r.name)
				return i != nil && i.State == "FAULT" && i.Tracks["interface "+u.link] == "down: "+h.cause
			})
			everywhere(t, "is served by the other", func(_ uplink, r seat) bool {
				return other.Node.Has(r.address) && !victim.Node.Has(r.address) && !r.routed(t, victim.Node)
			})
		} else {
			serves(t, a, b, client)
		}
		victim.all(t, victim.elsewhere, h.away)
		victim.all(t, victim.Node, h.undo)
		serves(t, a, b, client)
	}
}
