package cli

import (
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/dump"
	"github.com/holdfast-ha/holdfast/internal/files"
	"github.com/holdfast-ha/holdfast/internal/parent"
	"github.com/holdfast-ha/holdfast/internal/proc"
)

// writeDump is the throw-away writer of keepalived's data files.
func writeDump(q parent.DumpRequest, snapshot []byte) (r parent.DumpReport) {
	shortLife()
	c, err := files.LoadSnapshot(snapshot, q.ConfigFile, q.ConfigID)
	if err != nil {
		r.Error = err.Error()
		return r
	}
	o := &dump.Options{IDs: accountIDs, Interfaces: interfaces()}
	o.HostName, _ = os.Hostname()
	var errs []error
	for _, f := range dumpFiles(c, &q, o) {
		if err := files.Replace(f.name, f.text); err != nil {
			errs = append(errs, err)
			continue
		}
		r.Written = append(r.Written, f.name)
	}
	if err := errors.Join(errs...); err != nil {
		r.Error = err.Error()
	}
	return r
}

// dumped is a file to write.
type dumped struct {
	name string
	text []byte
}

// dumpFiles are the files that a signal asks for; those of a child only if it
// answered.
func dumpFiles(c *conf.Config, q *parent.DumpRequest, o *dump.Options) (out []dumped) {
	g := &c.Global
	var vrrp *dump.VRRP
	if b := q.States[parent.VRRP]; b != nil {
		vrrp = &dump.VRRP{}
		if json.Unmarshal(b, vrrp) != nil {
			vrrp = nil
		}
	}
	add := func(name string, text []byte) { out = append(out, dumped{name, text}) }
	switch q.What {
	case parent.DumpData:
		add(dataFile(g, "_parent"), dump.Parent(c, o))
		if vrrp != nil {
			add(dataFile(g, ""), dump.Data(c, vrrp, o))
		}
		var checks api.Status
		if b := q.States[parent.Checker]; b != nil && json.Unmarshal(b, &checks) == nil {
			add(dataFile(g, "_check"), dump.Check(c, checks.Services, o))
		}
		var sessions api.Status
		if b := q.States[parent.BFD]; b != nil && json.Unmarshal(b, &sessions) == nil {
			add(dataFile(g, "_bfd"), dump.BFD(c, sessions.BFD, o))
		}
	case parent.DumpStats, parent.DumpClear:
		if vrrp != nil {
			add(or(g.StatsDump, inTemp("keepalived.stats")), dump.Stats(vrrp))
		}
	case parent.DumpJSON:
		if vrrp != nil {
			add(or(g.JSONDump, inTemp("keepalived.json")), dump.JSON(c, vrrp))
		}
	}
	return out
}

func inTemp(name string) string { return filepath.Join(os.TempDir(), name) }

// dataFile is where the data of a process go: keepalived.data,
// keepalived_check.data, with data_use_instance the names of network namespace
// and instance before the end, or what state_dump_file says.
func dataFile(g *conf.Global, process string) string {
	name, end := inTemp("keepalived"), ".data"
	if g.StateDump != "" {
		end = filepath.Ext(g.StateDump)
		name = strings.TrimSuffix(g.StateDump, end)
	}
	name += process
	if g.DataUseInstance {
		for _, part := range []string{g.Instance, g.NetNamespace} {
			if part != "" {
				name += "." + strings.ReplaceAll(part, "/", "_")
			}
		}
	}
	return name + end
}

// accountIDs are a user's and a group's numbers, "0:0".
func accountIDs(user, group string) string {
	who, err := proc.LookupUser(user, group)
	if err != nil {
		return err.Error()
	}
	return strconv.Itoa(int(who.UID)) + ":" + strconv.Itoa(int(who.GID))
}

// interfaces are those of the network namespace that we are in.
func interfaces() (out []dump.Interface) {
	all, _ := net.Interfaces() // without them nothing is said of them
	for _, i := range all {
		d := dump.Interface{
			Name: i.Name, Index: i.Index, MTU: i.MTU, MAC: i.HardwareAddr.String(),
			Up: i.Flags&net.FlagUp != 0, Running: i.Flags&net.FlagRunning != 0, Broadcast: i.Flags&net.FlagBroadcast != 0,
			Loopback: i.Flags&net.FlagLoopback != 0, Multicast: i.Flags&net.FlagMulticast != 0,
		}
		if d.Loopback {
			d.MAC = ""
		}
		addresses, _ := i.Addrs()
		for _, a := range addresses {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				d.Addresses = append(d.Addresses, p.Addr().Unmap())
			}
		}
		out = append(out, d)
	}
	return out
}
