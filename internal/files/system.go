package files

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/conf"
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
		Shared:     shared(path),
		Readable:   info.Mode().Perm()&0o044 != 0,
	}
}

// maxLinks is how many symbolic links a path may lead through, as the kernel
// has it.
const maxLinks = 40

// shared reports whether somebody other than root can change what a path
// leads to: the file itself, or any folder or link on the way. What cannot be
// found out counts as shared.
func shared(path string) bool {
	abs, err := filepath.Abs(path)
	if err != nil {
		return true
	}
	at, rest, links := "/", parts(abs), 0
	if open("/") {
		return true
	}
	for len(rest) > 0 {
		next := filepath.Join(at, rest[0])
		rest = rest[1:]
		info, err := os.Lstat(next)
		if err != nil {
			return true
		}
		if info.Mode()&os.ModeSymlink == 0 {
			if open(next) {
				return true
			}
			at = next
			continue
		}
		target, err := os.Readlink(next)
		if links++; err != nil || links > maxLinks || owner(info) != 0 {
			return true
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(parts(target), rest...)
	}
	return false
}

// open reports whether somebody other than root may write a file or folder. In
// a folder with the sticky bit nobody can replace what is root's.
func open(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || owner(info) != 0 {
		return true
	}
	mode := info.Mode()
	if mode.IsDir() && mode&os.ModeSticky != 0 {
		return false
	}
	return mode.Perm()&0o002 != 0 || mode.Perm()&0o020 != 0 && group(info) != 0
}

// parts are the names of a path, ".." left in place: behind a link it leads
// elsewhere than its text says, and filepath.Join below resolves it against
// where the link led.
func parts(path string) []string {
	return strings.FieldsFunc(path, func(c rune) bool { return c == '/' })
}

func owner(info os.FileInfo) uint32 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Uid
	}
	return ^uint32(0)
}

func group(info os.FileInfo) uint32 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Gid
	}
	return ^uint32(0)
}
