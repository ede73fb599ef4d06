package files

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/proc"
)

// System has the facts about this machine, seen from this process's network
// namespace; it is conf.System. It remembers nothing: every question is asked
// anew.
type System struct{}

// HostName is the machine's name, empty if the kernel does not tell.
func (System) HostName() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// Interface reports whether a network interface exists, by name or by an
// alternative name.
func (System) Interface(name string) bool {
	if strings.Contains(name, ":") {
		return false // the kernel would answer for what stands before the colon
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return false // no name is that long
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	return unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, request) == nil
}

// Taken reports whether there is a network interface of that name that is
// neither a macvlan nor an ipvlan.
func (s System) Taken(name string) bool {
	if !s.Interface(name) {
		return false
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return true
	}
	defer func() { _ = unix.Close(fd) }()
	info, err := unix.IoctlGetEthtoolDrvinfo(fd, name)
	if err != nil {
		return true
	}
	driver := unix.ByteSliceToString(info.Driver[:])
	return driver != "macvlan" && driver != "ipvlan"
}

// MayDisguise reports whether this process may use addresses that are not the
// machine's: IP_TRANSPARENT, ip(7).
func (System) MayDisguise() bool { return proc.Capable(unix.CAP_NET_ADMIN, unix.CAP_NET_RAW) }

// User reports whether there is an account of that name or number.
func (System) User(name string) bool {
	if _, err := user.Lookup(name); err == nil {
		return true
	}
	_, err := user.LookupId(name)
	return err == nil
}

// Group reports whether there is a group of that name or number.
func (System) Group(name string) bool {
	if _, err := user.LookupGroup(name); err == nil {
		return true
	}
	_, err := user.LookupGroupId(name)
	return err == nil
}

// Program looks at a script or program. Without a slash it is the first
// executable of that name in PATH, or else the first file.
func (System) Program(name string) conf.Program {
	if name == "" || strings.Contains(name, "/") {
		return program(name)
	}
	var first conf.Program
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if dir == "" {
			continue // the working directory is nobody's PATH here
		}
		p := program(filepath.Join(dir, name))
		if p.Regular && p.Executable {
			return p
		}
		if first.Path == "" {
			first = p
		}
	}
	return first
}

func program(path string) conf.Program {
	info, err := os.Stat(path)
	if err != nil {
		return conf.Program{}
	}
	return conf.Program{
		Path:       path,
		Regular:    info.Mode().IsRegular(),
		Executable: info.Mode().Perm()&0o111 != 0,
		Shared:     proc.Secure(path) != nil, // what cannot be found out counts, too
		Readable:   info.Mode().Perm()&0o044 != 0,
	}
}
