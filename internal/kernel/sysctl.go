package kernel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// PromoteSecondaries has a link keep the other addresses of a subnet when the
// first of them is removed (promote_secondaries in keepalived.conf(5)).
func PromoteSecondaries(link string) error {
	return writeSysctl("ipv4", link, "promote_secondaries", "1")
}

const sysctls = "/proc/sys/net/"

// sysctl is the file of net.FAMILY.conf.LINK.KEY. A link's name may have dots
// and, being a name in this file system, no slash.
func sysctl(family, link, key string) (string, error) {
	if link == "" || link == "." || link == ".." || strings.ContainsRune(link, '/') {
		return "", fmt.Errorf("%s of %q: not the name of an interface", key, link)
	}
	return sysctls + family + "/conf/" + link + "/" + key, nil
}

// writeSysctl sets net.FAMILY.conf.LINK.KEY.
func writeSysctl(family, link, key, value string) error {
	path, err := sysctl(family, link, key)
	if err == nil {
		err = os.WriteFile(path, []byte(value), 0)
	}
	if err != nil {
		return fmt.Errorf("set %s of %s: %w", key, link, err)
	}
	return nil
}

// Settings changes settings of interfaces that are not ours, and remembers
// what they were. It belongs to one goroutine, in the network namespace of the
// process.
type Settings struct {
	was    []Setting       // in the order in which they were changed
	wanted map[string]bool // by path: since Begin
}

// Setting is one that was changed.
type Setting struct {
	Path string `json:"path"`
	Was  string `json:"was"`
	Now  string `json:"now"`
}

// Changed is what Restore would put back; for a successor's Inherit.
func (s *Settings) Changed() []Setting { return slices.Clone(s.was) }

// Inherit has Restore put back also what a predecessor changed, as far as it is
// still as that one left it. It comes before anything is changed.
func (s *Settings) Inherit(from []Setting) {
	for _, o := range from {
		if filepath.Clean(o.Path) != o.Path || !strings.HasPrefix(o.Path, sysctls) {
			continue
		}
		if b, err := os.ReadFile(o.Path); err == nil && strings.TrimSpace(string(b)) == o.Now { // a setting
			s.was = append(s.was, o)
		}
	}
}

// Begin and End enclose everything that is wanted: End puts back what was changed
// earlier, and is not among it.
func (s *Settings) Begin() { s.wanted = map[string]bool{} }

// End puts back what was not wanted since Begin.
func (s *Settings) End() {
	s.was = slices.DeleteFunc(s.was, func(o Setting) bool {
		if !s.wanted[o.Path] {
			o.restore()
		}
		return !s.wanted[o.Path]
	})
	s.wanted = nil
}

func (s *Settings) want(path string) {
	if s.wanted != nil {
		s.wanted[path] = true
	}
}

// Lower has the interface below VMACs leave their addresses to them: it
// answers for its own alone, by what routing would choose, as with keepalived;
// and it does not name theirs when it asks who has another address, which would
// teach the hosts that hear it the interface's own MAC address (RFC 9568 §8.1.2).
func (s *Settings) Lower(link string) error {
	return errors.Join(s.atLeast(link, "arp_ignore", 1), s.atLeast(link, "arp_filter", 1), s.atLeast(link, "arp_announce", 2))
}

// atLeast raises an IPv4 setting of a link.
func (s *Settings) atLeast(link, key string, value int) error {
	path, err := sysctl("ipv4", link, key)
	if err != nil {
		return err
	}
	s.want(path)
	if have, err := number(path); err != nil || have >= value {
		return err
	}
	return s.set(path, strconv.Itoa(value))
}

// LooseSources lets VMACs hear adverts from addresses that lie behind another
// interface: where net.ipv4.conf.all.rp_filter forbids it for all, it is set
// for each of the others instead (keepalived.conf(5), use_vmac).
func (s *Settings) LooseSources() error {
	dir := sysctls + "ipv4/conf/"
	for _, o := range s.was {
		if filepath.Base(o.Path) == "rp_filter" { // that of all is 0 by now
			s.want(o.Path)
		}
	}
	all, err := number(dir + "all/rp_filter")
	if err != nil || all == 0 {
		return err
	}
	links, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list settings of interfaces: %w", err)
	}
	for _, l := range links {
		if l.Name() != "all" {
			err = errors.Join(err, s.atLeast(l.Name(), "rp_filter", all))
		}
	}
	return errors.Join(err, s.set(dir+"all/rp_filter", "0"))
}

// NoLocalIGMP stops reports of groups of the link (disable_local_igmp).
func (s *Settings) NoLocalIGMP() error {
	return s.set(sysctls+"ipv4/igmp_link_local_mcast_reports", "0")
}

func number(path string) (int, error) {
	b, err := os.ReadFile(path) // made of names of interfaces
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

func (s *Settings) set(path, value string) error {
	s.want(path)
	b, err := os.ReadFile(path) // made of names of interfaces
	if err != nil {
		return err
	}
	was := strings.TrimSpace(string(b))
	if was == value {
		return nil
	}
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		return err
	}
	for i := range s.was {
		if s.was[i].Path == path { // the interface is a new one
			s.was[i].Now = value
			return nil
		}
	}
	s.was = append(s.was, Setting{path, was, value})
	return nil
}

// Restore puts everything back that nobody else has changed since.
func (s *Settings) Restore() {
	for i := len(s.was) - 1; i >= 0; i-- {
		s.was[i].restore()
	}
	s.was = nil
}

// restore puts back a setting, unless somebody has changed it since.
func (o *Setting) restore() {
	if b, err := os.ReadFile(o.Path); err == nil && strings.TrimSpace(string(b)) == o.Now { // as above
		_ = os.WriteFile(o.Path, []byte(o.Was), 0) // an interface that is gone has none
	}
}
