// Package dump says of a configuration and of what its daemons know what
// keepalived writes into its data files on SIGUSR1, SIGUSR2 and the signal for
// JSON: the same names, the same values, the same places in the text.
//
// The daemons fill in the values of this file and send them to whoever writes;
// where files lie and how they are written is decided there (package cli).
// vrrp.go has instances, held.go what they bring and take away, group.go sync
// groups, track.go what they watch, global.go and system.go global_defs,
// interfaces.go interfaces, stats.go keepalived.stats, json.go keepalived.json,
// lvs.go and check.go what checkers have, bfd.go sessions.
//
// What keepalived says of its own insides (descriptors, thread timers, counters
// of sysctls) has no counterpart here and is left out. Passwords are masked.
package dump

import (
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// Mask stands for a password.
const Mask = "********"

// VRRP is what the VRRP child knows beside its configuration.
type VRRP struct {
	Routers []Router `json:"routers"`
	Groups  []Group  `json:"groups"`
	Scripts []Script `json:"scripts"`
	Files   []File   `json:"files"`
	// StaticRoutes and StaticRules say which are in the kernel, as in Router.
	StaticRoutes []bool `json:"static_routes,omitempty"`
	StaticRules  []bool `json:"static_rules,omitempty"`
	// Processes and BFDs are what is tracked of them.
	Processes []Process    `json:"processes"`
	BFDs      []TrackedBFD `json:"bfds"`
}

// Router is one instance as it is.
type Router struct {
	Name        string        `json:"name"`
	State       string        `json:"state"` // INIT, BACKUP, MASTER, FAULT
	Since       time.Time     `json:"since"`
	Up          time.Time     `json:"up"`             // left INIT or FAULT; zero: it is there
	Took        string        `json:"took,omitempty"` // why it is master: priority, preempted, silence
	Next        time.Time     `json:"next"`           // takes over, or sends its next advert; zero: no such time
	Down        time.Duration `json:"down"`           // Master_Down_Interval
	Interface   string        `json:"interface"`
	VMAC        string        `json:"vmac,omitempty"` // the virtual interface above it
	Source      string        `json:"source"`         // where adverts come from; empty: nowhere
	Master      string        `json:"master"`         // whom a backup hears
	MasterPrio  int           `json:"master_priority"`
	MasterEvery time.Duration `json:"master_interval"`
	Base        int           `json:"base"` // priority as configured, or as it was set
	Preempt     bool          `json:"preempt"`
	Priority    int           `json:"priority"`  // effective
	Total       int           `json:"total"`     // before it is brought into 1…254
	Faults      int           `json:"faults"`    // tracked objects that keep it in FAULT
	Addresses   bool          `json:"addresses"` // virtual addresses are there
	// Routes and Rules say which are in the kernel, in the order of the
	// configuration, without those that cannot be read.
	Routes []bool `json:"routes,omitempty"`
	Rules  []bool `json:"rules,omitempty"`
	// Interfaces are those that it tracks, for whatever reason.
	Interfaces []conf.Track `json:"interfaces,omitempty"`
	// Links are the interfaces of its virtual addresses, by address.
	Links    map[string]string `json:"links,omitempty"`
	Counters map[string]uint64 `json:"counters"` // by keepalived's names
}

// Group is one sync group as it is.
type Group struct {
	Name   string `json:"name"`
	State  string `json:"state"`
	Faults int    `json:"faults"` // members that something tracked keeps in FAULT
	Init   int    `json:"init"`   // members that have not begun
}

// Script is one vrrp_script as it is.
type Script struct {
	Name    string `json:"name"`
	Known   bool   `json:"known"`
	Up      bool   `json:"up"`
	Running bool   `json:"running"`
}

// File is one track_file as it is.
type File struct {
	Name   string `json:"name"`
	Number int    `json:"number"`
}

// Process is one vrrp_track_process as it is.
type Process struct {
	Name    string `json:"name"`
	Running int    `json:"running"`
	Up      bool   `json:"up"` // it has its quorum
}

// TrackedBFD is one bfd_instance as the VRRP child hears of it.
type TrackedBFD struct {
	Name string `json:"name"`
	Up   bool   `json:"up"`
}

// Options is what a dump needs besides.
type Options struct {
	// IDs are the numbers of a user and a group, "0:0".
	IDs func(user, group string) string
	// Interfaces are those of the system.
	Interfaces []Interface
	HostName   string
}

// printer writes lines.
type printer struct {
	strings.Builder
	conf *conf.Config
	opts *Options
	is   *VRRP // of keepalived.data
}

func (p *printer) line(format string, args ...any) {
	fmt.Fprintf(p, format, args...)
	p.WriteByte('\n')
}

// list is a label with lines below it; nothing without lines.
func (p *printer) list(label string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.line("   %s :", label)
	for _, l := range lines {
		p.line("     %s", l)
	}
}

func yes(b bool, t, f string) string {
	if b {
		return t
	}
	return f
}

func onOff(b bool) string { return yes(b, "enabled", "disabled") }

// seconds has no digits that say nothing.
func seconds(d time.Duration) string { return fmt.Sprint(d.Seconds()) }

// stamp is a time as keepalived writes it.
func stamp(t time.Time) string {
	return fmt.Sprintf("%d.%06d (%s.%06d %d)", t.Unix(), t.Nanosecond()/1000, t.Format("Mon Jan _2 15:04:05"), t.Nanosecond()/1000, t.Year())
}

func quoted(argv []string) string { return "'" + strings.Join(argv, "' '") + "'" }

// command is a program and whom it runs as.
func (p *printer) command(c *conf.Command) string {
	return quoted(c.Argv) + ", uid:gid " + p.ids(c.User, c.Group)
}

func (p *printer) ids(user, group string) string {
	if user == "" {
		user, group = p.conf.Global.ScriptUser, p.conf.Global.ScriptGroup
	}
	return p.opts.IDs(user, group)
}
