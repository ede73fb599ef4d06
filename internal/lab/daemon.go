package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-ha/holdfast/api"
)

// stopLimit is how long a daemon asked to stop may take before it is killed.
const stopLimit = 15 * time.Second

// statusLimit is how long a running daemon may take to tell its status.
const statusLimit = 2 * time.Second

// Daemon is keepalived, or anything with its command line, on a node. Its files
// are in the lab's directory and begin with its name: NAME.conf, NAME.pid,
// NAME.sock (holdfast's control socket), NAME.log.
type Daemon struct {
	*Process // of the last start; nil before

	Node *Node
	Name string

	command []string
}

// Daemon prepares a daemon on the node. command is the program with leading
// arguments; keepalived's flags are added. The configuration is written out.
func (n *Node) Daemon(command []string, name, config string) (*Daemon, error) {
	d := &Daemon{Node: n, Name: name, command: command}
	return d, d.Configure(config)
}

func (d *Daemon) file(suffix string) string { return d.Node.lab.Path(d.Name + suffix) }

// Configure replaces the configuration file; Reload makes the daemon read it.
func (d *Daemon) Configure(config string) error {
	return os.WriteFile(d.file(".conf"), []byte(config), 0o644)
}

// ConfigFile is the path of its configuration.
func (d *Daemon) ConfigFile() string { return d.file(".conf") }

// Start starts the daemon in the foreground, as its own process group.
func (d *Daemon) Start() error {
	if d.Up() {
		return fmt.Errorf("%s runs already", d.Name)
	}
	args := append([]string{}, d.command[1:]...)
	args = append(args, "-n", "-l", "-D", "-G", "-f", d.file(".conf"), "-p", d.file(".pid"),
		"-r", d.file("-vrrp.pid"), "-c", d.file("-check.pid"), "-b", d.file("-bfd.pid"))
	p, err := d.Node.StartTo(d.file(".log"), d.command[0], args...)
	if err == nil {
		d.Process = p
	}
	return err
}

// Up tells whether the daemon has been started and has not ended.
func (d *Daemon) Up() bool { return d.Process != nil && d.Running() }

// Stop asks the daemon to end (SIGTERM) and waits. One that does not end is
// killed, and that is an error.
func (d *Daemon) Stop() error {
	if !d.Up() {
		return fmt.Errorf("%s does not run", d.Name)
	}
	if err := d.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	code, err := d.Wait(stopLimit)
	if err != nil {
		d.KillTree()
		return err
	}
	if code != 0 {
		return fmt.Errorf("%s ended with exit status %d", d.Name, code)
	}
	return nil
}

// Kill ends the whole daemon with SIGKILL, parent first: nothing is tidied up.
func (d *Daemon) Kill() error {
	if !d.Up() {
		return fmt.Errorf("%s does not run", d.Name)
	}
	d.KillTree()
	return nil
}

// Reload asks the daemon to read its configuration again (SIGHUP).
func (d *Daemon) Reload() error {
	if !d.Up() {
		return fmt.Errorf("%s does not run", d.Name)
	}
	return d.Signal(syscall.SIGHUP)
}

// Log returns what the daemon has written, all its starts together.
func (d *Daemon) Log() string {
	text, err := os.ReadFile(d.file(".log"))
	if err != nil {
		return ""
	}
	return string(text)
}

// LogTail returns the last lines of Log.
func (d *Daemon) LogTail(lines int) string {
	all := strings.Split(strings.TrimRight(d.Log(), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// Status asks the daemon's control socket, as `holdfast status --json` does.
func (d *Daemon) Status() (*api.Status, error) {
	if !d.Up() {
		return nil, fmt.Errorf("%s does not run", d.Name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), statusLimit)
	defer cancel()
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", d.file(".sock"))
		},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://holdfast/v1/status", nil)
	if err != nil {
		return nil, err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("status of %s: %w", d.Name, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status of %s: %s", d.Name, resp.Status)
	}
	status := new(api.Status)
	if err := json.NewDecoder(resp.Body).Decode(status); err != nil {
		return nil, fmt.Errorf("status of %s: %w", d.Name, err)
	}
	return status, nil
}

// Instance returns a VRRP instance out of the daemon's status, nil if the
// daemon does not answer or has none of that name.
func (d *Daemon) Instance(name string) *api.Instance {
	status, err := d.Status()
	if err != nil {
		return nil
	}
	for i := range status.Instances {
		if status.Instances[i].Name == name {
			return &status.Instances[i]
		}
	}
	return nil
}

// ChildPID reads the pid file of a child, "vrrp", "check" or "bfd"; 0 if there is none.
func (d *Daemon) ChildPID(which string) int {
	text, err := os.ReadFile(d.file("-" + which + ".pid"))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}
