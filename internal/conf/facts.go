package conf

import (
	"encoding/json"
	"strings"
)

// Facts is a System that remembers: every question is asked once, and whoever
// loads the configuration again with the same Facts gets the same answers.
// All children, and the plan of a later reload, agree so about what is left
// out. Interfaces are not remembered: they come and go, and nothing is left
// out for want of one.
type Facts struct {
	asked System
	known answers
	// Unlike is set once an answer was given that nobody gets who loads the
	// configuration again (package files' Child): an interface is not there, or
	// its name is taken.
	Unlike bool
}

// answers are what is remembered, by what was asked.
type answers struct {
	Host     *string            `json:"host,omitempty"`
	Users    map[string]bool    `json:"users,omitempty"`
	Groups   map[string]bool    `json:"groups,omitempty"`
	Programs map[string]Program `json:"programs,omitempty"`
	Hosts    map[string]bool    `json:"hosts,omitempty"`
	Names    map[string]named   `json:"names,omitempty"`
}

// named is the number of a name of iproute2's.
type named struct {
	Number uint32 `json:"number,omitempty"`
	Known  bool   `json:"known,omitempty"`
}

// NewFacts remembers what a System answers.
func NewFacts(s System) *Facts {
	return &Facts{asked: s, known: answers{Users: map[string]bool{}, Groups: map[string]bool{}, Programs: map[string]Program{}, Hosts: map[string]bool{}, Names: map[string]named{}}}
}

// Recall takes over what other Facts have remembered (Marshal). Nothing is
// not an error: then every question is asked anew.
func (f *Facts) Recall(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, &f.known)
}

// Marshal gives what is remembered.
func (f *Facts) Marshal() []byte {
	b, _ := json.Marshal(f.known) // maps of plain values: it cannot fail
	return b
}

// HostName is as it was when it was asked for first.
func (f *Facts) HostName() string {
	if f.known.Host == nil {
		name := f.asked.HostName()
		f.known.Host = &name
	}
	return *f.known.Host
}

// Interface asks every time.
func (f *Facts) Interface(name string) bool {
	there := f.asked.Interface(name)
	f.Unlike = f.Unlike || !there
	return there
}

// User remembers whether there is such an account.
func (f *Facts) User(name string) bool { return recall(f.known.Users, name, f.asked.User) }

// Group remembers whether there is such a group.
func (f *Facts) Group(name string) bool { return recall(f.known.Groups, name, f.asked.Group) }

// Program remembers what a script's file is like.
func (f *Facts) Program(path string) Program {
	return recall(f.known.Programs, path, f.asked.Program)
}

// Resolves remembers whether a host's name had an address, where the System
// can tell.
func (f *Facts) Resolves(host string) bool {
	r, ok := f.asked.(Resolver)
	return !ok || recall(f.known.Hosts, host, r.Resolves)
}

// Number remembers what a name of iproute2's stands for, where the System can
// tell.
func (f *Facts) Number(dirs [2]string, file, name string) (uint32, bool) {
	namer, ok := f.asked.(Namer)
	if !ok {
		return 0, false
	}
	n := recall(f.known.Names, strings.Join([]string{dirs[0], dirs[1], file, name}, "\x00"), func(string) named {
		n, known := namer.Number(dirs, file, name)
		return named{n, known}
	})
	return n.Number, n.Known
}

// Taken asks every time.
func (f *Facts) Taken(name string) bool {
	there := taken(f.asked, name)
	f.Unlike = f.Unlike || there
	return there
}

func recall[A any](known map[string]A, name string, ask func(string) A) A {
	a, ok := known[name]
	if !ok {
		a = ask(name)
		known[name] = a
	}
	return a
}
