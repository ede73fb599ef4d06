package lab

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// The demonstration: one Ethernet segment with two directors, three back ends,
// the server that says sorry, and a client. examples/lab/a.conf and b.conf are
// the directors' configurations and know these addresses.
const (
	demoLAN       = "lan"
	demoPort      = "eth0"
	demoVirtual   = "192.0.2.100"
	demoService   = demoVirtual + ":80"
	demoSorry     = "sorry"
	demoWeb       = ":80"
	prefixOfDemo  = "/24"
	clientAddress = "192.0.2.50"
)

var (
	directorAddress = map[string]string{"a": "192.0.2.11", "b": "192.0.2.12"}
	backendAddress  = map[string]string{
		"s1": "192.0.2.21", "s2": "192.0.2.22", "s3": "192.0.2.23", demoSorry: "192.0.2.29",
	}
	directorNames = []string{"a", "b"}
	serverNames   = []string{"s1", "s2", "s3"}
)

// demo is that network, running.
type demo struct {
	lab       *Lab
	directors map[string]*Daemon
	backends  map[string]*Backend
	traffic   *Traffic

	mu   sync.Mutex
	cuts map[string]string // node: "cut" or "isolated"
}

// newDemo builds the network, starts the back ends and the client, but not the
// directors. files has NAME.conf for each director.
func newDemo(dir string, command []string, files fs.FS, perSecond int, tell func(Outage)) (*demo, error) {
	l, err := New(Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	d := &demo{lab: l, directors: map[string]*Daemon{}, backends: map[string]*Backend{}, cuts: map[string]string{}}
	if err := d.build(command, files, perSecond, tell); err != nil {
		_ = d.close()
		return nil, err
	}
	return d, nil
}

func (d *demo) build(command []string, files fs.FS, perSecond int, tell func(Outage)) error {
	for name, address := range backendAddress {
		n, err := d.node(name, address)
		if err != nil {
			return err
		}
		if err := directRouting(n); err != nil {
			return err
		}
		if d.backends[name], err = n.Backend(demoWeb); err != nil {
			return err
		}
	}
	for name, address := range directorAddress {
		config, err := fs.ReadFile(files, name+".conf")
		if err != nil {
			return err
		}
		n, err := d.node(name, address)
		if err != nil {
			return err
		}
		if d.directors[name], err = n.Daemon(command, name, string(config)); err != nil {
			return err
		}
	}
	client, err := d.node("client", clientAddress)
	if err != nil {
		return err
	}
	d.traffic = client.Ask(demoService, perSecond, tell)
	return nil
}

func (d *demo) node(name, address string) (*Node, error) {
	return d.lab.Node(name, Port{LAN: demoLAN, Name: demoPort, Addresses: []string{address + prefixOfDemo}})
}

// directRouting makes a server ready for lb_kind DR, so that the same lab works
// on a kernel with IPVS: it owns the virtual address, and is silent about it.
func directRouting(n *Node) error {
	for key, value := range map[string]string{
		"net/ipv4/conf/all/arp_ignore":   "1",
		"net/ipv4/conf/all/arp_announce": "2",
	} {
		if err := n.Sysctl(key, value); err != nil {
			return err
		}
	}
	return n.AddAddress("lo", demoVirtual+"/32")
}

func (d *demo) close() error {
	if d.traffic != nil {
		d.traffic.Close()
	}
	for _, b := range d.backends {
		b.Close()
	}
	return d.lab.Close()
}

// view is what can be seen of one director.
type view struct {
	up      bool
	holds   bool   // the kernel has the virtual address there
	told    bool   // the daemon answered; what follows is its word
	state   string // MASTER, BACKUP, FAULT, INIT
	cause   string
	sorry   bool // the sorry server is in use
	servers map[string]serverView
	cut     string
}

type serverView struct {
	up    bool
	cause string
}

// master tells whether the director serves the virtual address: the kernel has
// it, and the daemon does not say otherwise. keepalived cannot be asked.
func (v view) master() bool {
	return v.up && v.holds && (!v.told || v.state == "MASTER")
}

// in lists the real servers in use, sorted; what a daemon does not tell is nil.
func (v view) in() []string {
	if !v.told {
		return nil
	}
	out := []string{}
	for name, s := range v.servers {
		if s.up {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func (v view) String() string {
	var words []string
	switch {
	case !v.up:
		words = append(words, "down")
	case v.told && v.state != "":
		words = append(words, v.state)
	case v.holds:
		words = append(words, "MASTER")
	default:
		words = append(words, "-")
	}
	if v.holds != v.master() {
		words = append(words, "(has the address)")
	}
	if v.cut != "" {
		words = append(words, "("+v.cut+")")
	}
	return strings.Join(words, " ")
}

// look looks at a director, asking the kernel and the daemon.
func (d *demo) look(name string) view {
	dir := d.directors[name]
	d.mu.Lock()
	v := view{up: dir.Up(), holds: dir.Node.Has(demoVirtual), cut: d.cuts[name], servers: map[string]serverView{}}
	d.mu.Unlock()
	status, err := dir.Status()
	if err != nil {
		return v
	}
	v.told = true
	for _, i := range status.Instances {
		if v.state == "" || slices.ContainsFunc(i.Addresses, hasVirtual) {
			v.state, v.cause = i.State, i.Cause
		}
	}
	for _, service := range status.Services {
		v.sorry = v.sorry || service.SorryInUse
		for _, s := range service.Servers {
			if name := serverOf(s.Name); name != "" {
				v.servers[name] = serverView{s.Up, s.Cause}
			}
		}
	}
	return v
}

func hasVirtual(address string) bool { return strings.HasPrefix(address, demoVirtual) }

// serverOf gives the node's name for a real server such as [192.0.2.21]:tcp:80.
func serverOf(name string) string {
	for node, address := range backendAddress {
		if strings.HasPrefix(name, "["+address+"]") {
			return node
		}
	}
	return ""
}

// lookAll looks at every director.
func (d *demo) lookAll() map[string]view {
	out := map[string]view{}
	for _, name := range directorNames {
		out[name] = d.look(name)
	}
	return out
}

// masters lists the directors that serve the virtual address, sorted.
func masters(all map[string]view) []string {
	out := []string{}
	for _, name := range directorNames {
		if all[name].master() {
			out = append(out, name)
		}
	}
	return out
}

// serving lists the real servers that the master uses, or, without a master,
// the first director that answers; nil if nobody tells.
func serving(all map[string]view) []string {
	for _, name := range append(masters(all), directorNames...) {
		if in := all[name].in(); in != nil {
			return in
		}
	}
	return nil
}

func (d *demo) setCut(node, how string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cuts[node] = how
}

func names(list []string) string {
	switch {
	case list == nil:
		return "?"
	case len(list) == 0:
		return "none"
	}
	return strings.Join(list, " ")
}

func (d *demo) director(name string) (*Daemon, error) {
	if dir := d.directors[name]; dir != nil {
		return dir, nil
	}
	return nil, fmt.Errorf("no director %q: a or b", name)
}

func (d *demo) backend(name string) (*Backend, error) {
	if b := d.backends[name]; b != nil {
		return b, nil
	}
	return nil, fmt.Errorf("no back end %q: s1, s2, s3 or sorry", name)
}
