package outletd

import "github.com/holdfast-ha/holdfast/internal/feed"

// way is one way out. Its methods are called on the loop and do not wait, but
// for Close.
type way interface {
	// News tells what the VRRP child says; nobody changes it any more.
	News(n *feed.VRRP)
	// Close says goodbye, and waits for its goroutines, not for ever.
	Close()
}

// ways are those that the configuration wants, by name.
type ways map[string]way

func (w ways) close() {
	for _, one := range w {
		one.Close()
	}
}

// equip makes the ways out those of the configuration. A new one hears first
// what is known.
func (d *daemon) equip() {
	if d.ways == nil {
		d.ways = ways{}
	}
	d.equipDBus()
	d.equipSNMP()
}

// open adds a way out.
func (d *daemon) open(name string, w way) {
	d.ways[name] = w
	if known := d.vrrp.known; known.Why != "" {
		known.Why = feed.Began
		w.News(&known)
	}
}

// shut ends a way out, beside the loop.
func (d *daemon) shut(name string) {
	if w := d.ways[name]; w != nil {
		delete(d.ways, name)
		d.hands.Go(w.Close)
	}
}
