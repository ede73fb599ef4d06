package vrrp

import "github.com/holdfast-ha/holdfast/internal/clock"

// Node is all virtual routers and sync groups of one process. Whoever made it
// owns it; it must not be used by two goroutines at once.
type Node struct {
	cfg     Config
	actions []Action
}

// NewNode makes a node that waits for Start.
func NewNode(cfg Config) *Node { return &Node{cfg: cfg} }

// Step tells the node what happened and returns what to do, in that order. The
// slice is good until the next Step. Instants never go back.
func (n *Node) Step(now clock.Instant, ev Event) []Action { return nil }

// Deadline returns when the node wants a Tick if nothing else happens.
func (n *Node) Deadline() (clock.Instant, bool) { return 0, false }

// Routers returns how many virtual routers there are.
func (n *Node) Routers() int { return len(n.cfg.Routers) }

// Router returns the i-th virtual router of the configuration.
func (n *Node) Router(i int) RouterView { return RouterView{Name: n.cfg.Routers[i].Name, Group: -1} }

// Groups returns how many sync groups there are.
func (n *Node) Groups() int { return len(n.cfg.Groups) }

// Group returns the i-th sync group of the configuration.
func (n *Node) Group(i int) GroupView { return GroupView{Name: n.cfg.Groups[i].Name} }
