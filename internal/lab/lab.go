// Package lab makes networks of namespaces: nodes, Ethernet segments between
// them, processes on them, and the faults a network can have. `holdfast lab`
// shows a pair of directors in such a network (demo.go, main.go), and the
// integration tests in test/ build theirs with the same calls.
//
// Nothing that it makes has a name in the file system: a namespace is held by
// a thread and a descriptor of this process and vanishes with it. Isolate goes
// further and runs the whole program in a process namespace of its own, so that
// even after kill -9 the kernel ends every process the lab started; it also
// makes root unnecessary where the kernel lets anybody make user namespaces.
//
// The daemon under test is any command with keepalived's command line
// (daemon.go). This package knows nothing of how the daemon works inside.
package lab

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Options says how a lab is made.
type Options struct {
	// Dir keeps pid files, sockets and logs. It stays after Close. Empty: a
	// directory of the lab's own, removed by Close.
	Dir string
}

// Lab is a network of nodes. Its methods may be called from any goroutine.
type Lab struct {
	dir     string
	ownsDir bool
	wires   *Node // holds a bridge for each segment, and one end of every cable

	mu     sync.Mutex
	nodes  map[string]*Node
	cables []*cable
	lans   map[string]int // segment's name: index of its bridge in wires
}

// New makes an empty lab. Without the privilege to make namespaces it returns
// an error that says so in one line; see Isolate.
func New(o Options) (*Lab, error) {
	l := &Lab{dir: o.Dir, nodes: map[string]*Node{}, lans: map[string]int{}}
	if l.dir == "" {
		dir, err := os.MkdirTemp(os.Getenv(dirEnv), "lab")
		if err != nil {
			return nil, err
		}
		l.dir, l.ownsDir = dir, true
	}
	wires, err := newNode(l, "wires")
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("make a network namespace: %w%s", err, advice(err))
	}
	l.wires = wires
	return l, nil
}

func advice(err error) string {
	if errors.Is(err, unix.EPERM) {
		return " (run as root, or where the kernel lets users make user namespaces)"
	}
	return ""
}

// Dir is where the lab keeps files; it is short enough for Unix sockets.
func (l *Lab) Dir() string { return l.dir }

// Path returns a file's path in Dir.
func (l *Lab) Path(name string) string { return filepath.Join(l.dir, name) }

// Close ends every process on every node, removes the namespaces with all that
// is in them, and the directory if it was the lab's own. It may be called twice.
func (l *Lab) Close() error {
	l.mu.Lock()
	nodes := slices.Collect(maps.Values(l.nodes))
	l.nodes, l.cables = map[string]*Node{}, nil
	l.mu.Unlock()
	if l.wires != nil {
		nodes = append(nodes, l.wires)
		l.wires = nil
	}
	var errs []error
	for _, n := range nodes {
		errs = append(errs, n.endProcesses())
	}
	for _, n := range nodes {
		n.close()
	}
	if l.ownsDir {
		errs = append(errs, os.RemoveAll(l.dir))
		l.ownsDir = false
	}
	return errors.Join(errs...)
}

// Node makes a node with the given ports, each plugged into its segment and up.
func (l *Lab) Node(name string, ports ...Port) (*Node, error) {
	l.mu.Lock()
	_, taken := l.nodes[name]
	l.mu.Unlock()
	if taken || name == "wires" {
		return nil, fmt.Errorf("make node %s: the name is taken", name)
	}
	n, err := newNode(l, name)
	if err != nil {
		return nil, fmt.Errorf("make node %s: %w", name, err)
	}
	l.mu.Lock()
	l.nodes[name] = n
	l.mu.Unlock()
	for _, p := range ports {
		if err := l.plug(n, p); err != nil {
			return nil, fmt.Errorf("plug %s of node %s into %s: %w", p.Name, name, p.LAN, err)
		}
	}
	return n, nil
}

// Get returns the node of that name, nil if there is none.
func (l *Lab) Get(name string) *Node {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.nodes[name]
}

// ensureLAN returns the index of a segment's bridge, making it if need be.
// Multicast snooping is off: nobody here asks for groups, and without a querier
// it would only add doubt about who hears an advert.
func (l *Lab) ensureLAN(name string) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if index, ok := l.lans[name]; ok {
		return index, nil
	}
	snoop := false
	attrs := netlink.NewLinkAttrs()
	attrs.Name = fmt.Sprintf("lan%d", len(l.lans))
	br := &netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &snoop}
	if err := l.wires.links.LinkAdd(br); err != nil {
		return 0, fmt.Errorf("make bridge %s: %w", name, err)
	}
	link, err := l.wires.links.LinkByName(attrs.Name)
	if err != nil {
		return 0, fmt.Errorf("find bridge %s: %w", name, err)
	}
	if err := l.wires.links.LinkSetUp(link); err != nil {
		return 0, fmt.Errorf("set bridge %s up: %w", name, err)
	}
	l.lans[name] = link.Attrs().Index
	return link.Attrs().Index, nil
}
