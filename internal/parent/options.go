package parent

import (
	"os"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/notify/log"
)

// The hidden first arguments with which the binary runs itself.
const (
	ArgLoad  = "__load"  // the throw-away reader of the configuration
	ArgChild = "__child" // a child; its name follows
	ArgDump  = "__dump"  // the throw-away writer of data files
)

// The children, in the order in which they are told to stop.
const (
	VRRP    = "vrrp"
	Checker = "checker"
	BFD     = "bfd"
	Proxy   = "proxy"
	Outlet  = "outlet"
)

var order = []string{VRRP, Checker, BFD, Proxy, Outlet}

// Exit codes of the daemon, as the original has them.
const (
	ExitOK         = 0
	ExitFatal      = 1
	ExitConfig     = 2 // the configuration was refused at start
	ExitPermission = 4
	ExitNoConfig   = 6
)

// Options is all that the command line says.
type Options struct {
	Program     string // "holdfast" or "keepalived": names processes and socket
	Version     string
	CommandLine []string
	Load        LoadRequest
	// PIDFiles by child's name, and "" for the parent; where there is none its
	// name follows from the configuration (pidfile.go).
	PIDFiles map[string]string
	Log      log.Options
	// Idents are the names in syslog, by child's name.
	Idents    map[string]string
	NoRespawn bool
	// Umask of files that are made (-u); -1: the configuration says.
	Umask int
	// KeepVRRP (-V), KeepIPVS (-I), ReleaseVIPs (-X): see ipc.BootInfo.
	KeepVRRP, KeepIPVS, ReleaseVIPs bool
	// AgentX (-A): see ipc.BootInfo.
	AgentX string
	// LogAddresses has changes of addresses logged (-a).
	LogAddresses bool
	// Control is the path of the control socket; empty: it lies beside the
	// parent's pid file.
	Control string
	// NetNS is the network namespace that the children live in (-s).
	NetNS     string
	IgnoreINT bool
	// Self is the binary to run for children; /proc/self/exe by default.
	Self string
	// Notes are said once at start: options without effect and the like.
	Notes []string
	// ListenProxy makes the socket between checker and proxy child; it is
	// called inside NetNS. Nil: none.
	ListenProxy func() (*os.File, string, error)
	// Hello takes the place of watch.HelloEvery, unless 0; for tests.
	Hello time.Duration
	// Started, if set, is told once how the start went: ExitOK when every child
	// serves.
	Started func(code int)
}

// LoadRequest is what the reader must know.
type LoadRequest struct {
	ConfigFile string `json:"config_file"`
	ConfigID   string `json:"config_id"`
	// VRRP, Checkers and BFD say which subsystems may run (-P, -C, -B); All
	// starts the first two even without configuration.
	VRRP     bool `json:"vrrp"`
	Checkers bool `json:"checkers"`
	BFD      bool `json:"bfd"` // not -B
	All      bool `json:"all"`
	Strict   bool `json:"strict"`
	// AllFiles: every included file must be there (-e).
	AllFiles bool `json:"all_files,omitempty"`
	// SNMP: all of it is served, whatever the configuration asks for (-x).
	SNMP bool `json:"snmp,omitempty"`
	// Dump asks for the configuration in its final form (-d).
	Dump bool `json:"dump,omitempty"`
	// Running is what is known of the configuration that runs; nil at a start,
	// and if not all about it is.
	Running *Running `json:"running,omitempty"`
}

// Running is what is known of the configuration that runs.
type Running struct {
	// Wrong has the lines, by file and in order, that it has problems on.
	Wrong map[string][]int32 `json:"wrong,omitempty"`
}

// MaxDump bounds the lines of the configuration that are logged (-d).
const MaxDump = 5000

// MaxProblems bounds the diagnostics that the parent keeps.
const MaxProblems = 1000

// Report is what the reader found out.
type Report struct {
	// Fatal says why there is no configuration at all; Exit is the exit code
	// that goes with it.
	Fatal string `json:"fatal,omitempty"`
	Exit  int    `json:"exit,omitempty"`
	// Problems are the diagnostics, at most MaxProblems; Errors counts those
	// that are errors, also beyond that bound.
	Problems []api.Problem `json:"problems"`
	Errors   int           `json:"errors"`
	Strict   bool          `json:"strict"`
	// Children are those that the configuration needs.
	Children []string `json:"children"`
	// Blank: there is nothing in its files but comments.
	Blank bool `json:"blank,omitempty"`

	ConfigID    string   `json:"config_id,omitempty"`
	NetNS       string   `json:"net_namespace,omitempty"`
	Instance    string   `json:"instance,omitempty"`
	UsePIDDir   bool     `json:"use_pid_dir,omitempty"`
	Instances   int      `json:"instances"`
	Services    int      `json:"services"`
	Servers     int      `json:"servers"`
	Addresses   []string `json:"addresses"` // at most MaxAddresses
	AddressesIn int      `json:"addresses_in"`
	Director    string   `json:"director,omitempty"`

	// ProcessNames by child's name, "" for the parent.
	ProcessNames map[string]string `json:"process_names,omitempty"`
	// Reload says what a reload does, if it is one.
	Reload *api.Reload `json:"reload,omitempty"`

	StartupScript  *Script `json:"startup_script,omitempty"`
	ShutdownScript *Script `json:"shutdown_script,omitempty"`
	// ChildWait is how long children may take to end: child_wait_time, and
	// what a table needs to be emptied.
	ChildWait time.Duration `json:"child_wait"`
	// Drain is how long real servers may take to end their connections before that.
	Drain time.Duration `json:"drain,omitempty"`
	// Umask of files that are made; -1: the configuration does not say.
	Umask int `json:"umask"`
	// Dump is the configuration, a line each, if asked for; at most MaxDump.
	Dump    []string `json:"dump,omitempty"`
	Reloads Reloads  `json:"reloads"`
}

// Reloads says when reloads happen and what comes with them; the fields are
// those of conf.Reloads.
type Reloads struct {
	TimeFile string `json:"time_file,omitempty"`
	Repeat   bool   `json:"repeat,omitempty"`
	File     string `json:"file,omitempty"`
	Check    bool   `json:"check,omitempty"`
	CheckLog string `json:"check_log,omitempty"`
}

// MaxPlan bounds the lines of a reload's plan that the parent keeps.
const MaxPlan = 200

// MaxAddresses bounds the addresses that the first log line names.
const MaxAddresses = 16

// Script is a program that runs around the children's life.
type Script struct {
	Argv    []string      `json:"argv"`
	User    string        `json:"user,omitempty"`
	Group   string        `json:"group,omitempty"`
	Timeout time.Duration `json:"timeout"`
	Secure  bool          `json:"secure"`
}
