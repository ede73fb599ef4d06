package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// User is somebody to run a program as.
type User struct {
	Name   string
	Home   string
	UID    uint32
	GID    uint32
	Groups []uint32 // supplementary groups
}

// LookupUser finds a user and a group by name or number. An empty name means
// our own user; an empty group the user's, or our own with an empty name.
func LookupUser(name, group string) (User, error) {
	who := User{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}
	key := name
	if key == "" {
		key = strconv.Itoa(os.Geteuid())
	}
	u, err := findUser(key)
	switch {
	case err == nil:
		if err := who.fill(u, name != ""); err != nil {
			return User{}, err
		}
	case name == "":
		who.Name, who.Home = key, "/" // we run as somebody without an entry
	default:
		return User{}, fmt.Errorf("user %s: %w", name, err)
	}
	if name == "" {
		own, _ := os.Getgroups()
		for _, g := range own {
			who.Groups = append(who.Groups, uint32(g))
		}
	}
	if group != "" {
		if who.GID, err = findGroup(group); err != nil {
			return User{}, fmt.Errorf("group %s: %w", group, err)
		}
	}
	return who, nil
}

// fill takes name and home from u, and also its numbers and groups when it is
// somebody else than we are.
func (w *User) fill(u *user.User, ids bool) error {
	w.Name, w.Home = u.Username, u.HomeDir
	if !ids {
		return nil
	}
	uid, err := number(u.Uid)
	if err != nil {
		return err
	}
	gid, err := number(u.Gid)
	if err != nil {
		return err
	}
	w.UID, w.GID = uid, gid
	groups, err := u.GroupIds()
	if err != nil {
		return fmt.Errorf("groups of user %s: %w", u.Username, err)
	}
	for _, g := range groups {
		if n, err := number(g); err == nil {
			w.Groups = append(w.Groups, n)
		}
	}
	return nil
}

func findUser(name string) (*user.User, error) {
	u, err := user.Lookup(name)
	if err == nil {
		return u, nil
	}
	if _, bad := number(name); bad == nil {
		return user.LookupId(name)
	}
	return nil, err
}

func findGroup(name string) (uint32, error) {
	g, err := user.LookupGroup(name)
	if err == nil {
		return number(g.Gid)
	}
	if n, bad := number(name); bad == nil {
		return n, nil
	}
	return 0, err
}

func number(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}

// credential is what the kernel is told, nil when nothing changes.
func (w User) credential() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		if w.UID != uint32(os.Geteuid()) || w.GID != uint32(os.Getegid()) {
			return nil, fmt.Errorf("as user %s: %w", w.Name, os.ErrPermission)
		}
		return nil, nil
	}
	return &syscall.Credential{Uid: w.UID, Gid: w.GID, Groups: w.Groups, NoSetGroups: groupsAreFixed()}, nil
}

// groupsAreFixed reports whether we are the root of a user namespace in which
// nobody may change supplementary groups (user_namespaces(7)).
var groupsAreFixed = sync.OnceValue(func() bool {
	text, err := os.ReadFile("/proc/self/setgroups")
	return err == nil && strings.TrimSpace(string(text)) == "deny"
})

// environment is all that a program gets of ours.
func (w User) environment() []string {
	return []string{"PATH=" + DefaultPath, "HOME=" + w.Home, "USER=" + w.Name, "LOGNAME=" + w.Name}
}

// ErrInsecure is what Secure finds.
var ErrInsecure = errors.New("can be written by others than root")

// maxLinks bounds the symbolic links that Secure follows, as the kernel does.
const maxLinks = 40

// Secure reports whether nobody but root can change what path leads to: every
// folder on the way, every symbolic link and the file itself must belong to
// root, and neither another group nor everybody may write it. In a folder with
// the sticky bit nobody can replace what is root's, so that one may be.
func Secure(path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("path %s: %w", path, err)
	}
	todo := strings.Split(strings.TrimPrefix(filepath.Clean(abs), "/"), "/")
	at, links := "/", 0
	if err := secureOne("/"); err != nil {
		return err
	}
	for len(todo) > 0 {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at) // checked when we went down
			continue
		}
		next := filepath.Join(at, part)
		info, err := os.Lstat(next)
		if err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			if err := secureOne(next); err != nil {
				return err
			}
			at = next
			continue
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != 0 {
			return fmt.Errorf("%s %w", next, ErrInsecure)
		}
		if links++; links > maxLinks {
			return fmt.Errorf("path %s: %w", path, syscall.ELOOP)
		}
		to, err := os.Readlink(next)
		if err != nil {
			return err
		}
		if filepath.IsAbs(to) {
			at = "/"
		}
		todo = append(strings.Split(to, "/"), todo...)
	}
	return nil
}

// secureOne looks at one folder or file.
func secureOne(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	mode := info.Mode()
	if !ok || st.Uid != 0 {
		return fmt.Errorf("%s %w", path, ErrInsecure)
	}
	if mode.IsDir() && mode&fs.ModeSticky != 0 {
		return nil
	}
	if mode&0o002 != 0 || mode&0o020 != 0 && st.Gid != 0 {
		return fmt.Errorf("%s %w", path, ErrInsecure)
	}
	return nil
}
