package kernel

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/reconcile"
)

// Fake is a kernel for tests: Tables on a Mirror of its own. It writes down
// what it was told as commands a person knows (ip addr add …).
type Fake struct {
	m    *Mirror
	told []string
	// Fail, if set, is asked before each operation; an error is that
	// operation's outcome.
	Fail func(command string) error
	// Slow has Apply wait until Finish.
	Slow    bool
	waiting []job
}

// NewFake makes a kernel with these links, which get the indexes 1, 2, …
// unless they have some, are up and Ethernet.
func NewFake(links ...string) *Fake {
	f := &Fake{m: newMirror()}
	for i, name := range links {
		f.SetLink(Link{
			Index: i + 1, Name: name, MTU: 1500, Ethernet: true,
			MAC: [6]byte{2, 0, 0, 0, 0, byte(i + 1)}, Flags: unix.IFF_UP | unix.IFF_RUNNING,
		})
	}
	return f
}

// Mirror is what the fake has.
func (f *Fake) Mirror() *Mirror { return f.m }

// SetLink adds or changes a link and returns the Change to be told.
func (f *Fake) SetLink(l Link) Change {
	if was, ok := f.m.links[l.Index]; ok {
		delete(f.m.names, was.Name)
	}
	f.m.links[l.Index] = linkEntry{Link: l}
	f.m.names[l.Name] = l.Index
	return Change{Kind: LinkChanged, Link: l.Index}
}

// RemoveLink removes a link and its addresses and returns the Change to be told.
func (f *Fake) RemoveLink(index int) Change {
	c, _ := f.m.dropLink(index)
	return c
}

// Put adds an address as somebody else would, and returns the Change to be told.
func (f *Fake) Put(k AddrKey, a Address) Change {
	f.m.apply(Op{Addr: AddrOp{Verb: reconcile.Add, Key: k, Want: a}})
	return Change{Kind: AddrChanged, Link: k.Link, Addr: k}
}

// Take removes an address as somebody else would, and returns the Change to be told.
func (f *Fake) Take(k AddrKey) Change {
	f.m.dropAddr(k)
	return Change{Kind: AddrChanged, Link: k.Link, Addr: k, Gone: true}
}

// Told returns the commands since the last call, one a line.
func (f *Fake) Told() string {
	s := strings.Join(f.told, "\n")
	f.told = f.told[:0]
	return s
}

// ApplyNow implements Tables.
func (f *Fake) ApplyNow(ops []Op) []error {
	errs := make([]error, len(ops))
	for i, op := range ops {
		command := op.Command(f.m.Name)
		if f.Fail != nil {
			errs[i] = op.wrap(f.Fail(command), f.m.Name)
		}
		if errs[i] != nil {
			f.told = append(f.told, fmt.Sprintf("%s  # %v", command, errs[i]))
			continue
		}
		f.told = append(f.told, command)
		f.m.apply(op)
	}
	return errs
}

// Apply implements Tables. Unless Slow it is ApplyNow.
func (f *Fake) Apply(ops []Op, done func(errs []error)) error {
	if !f.Slow {
		done(f.ApplyNow(ops))
		return nil
	}
	if len(f.waiting) == maxJobs {
		return ErrBusy
	}
	f.waiting = append(f.waiting, job{ops: ops, fin: done})
	return nil
}

// Pending implements Tables.
func (f *Fake) Pending(op Op) bool {
	for _, j := range f.waiting {
		for _, o := range j.ops {
			if o.key() == op.key() {
				return true
			}
		}
	}
	return false
}

// Finish carries out what Apply was given while Slow.
func (f *Fake) Finish() {
	waiting := f.waiting
	f.waiting = nil
	for _, j := range waiting {
		j.fin(f.ApplyNow(j.ops))
	}
}
