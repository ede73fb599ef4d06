package ipvs

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// expirySwitches have the kernel forget a connection with its next packet when
// its server is gone, and what it remembers of a client when the server has
// weight 0 (Documentation/networking/ipvs-sysctl.rst). They hold for all
// services of the network namespace.
var expirySwitches = []string{"vs/expire_nodest_conn", "vs/expire_quiescent_template"}

// hearSwitch has the kernel take packets that come from one of its own
// addresses, on an interface or on all (Documentation/networking/ip-sysctl.rst,
// accept_local). IPv6 needs nothing of the kind.
const hearSwitch = "conf/%s/accept_local"

// switchFolder has IPv4's sysctls, IPVS's among them.
var switchFolder = "/proc/sys/net/ipv4/"

// switches are sysctls that were set to 1, with what they were before.
type switches map[string]string

// SetExpiry sets the switches, or puts back what they were. Each time they are
// looked at, for others may set them too.
func (d *Director) SetExpiry(on bool) (changed []string, err error) {
	var names []string
	if on {
		names = expirySwitches
	}
	return d.switchOn(&d.expiry, names)
}

// SetHearing has answers from our own addresses heard on some interfaces.
func (d *Director) SetHearing(interfaces []string) (changed []string, err error) {
	var names []string
	for _, i := range interfaces {
		if i == "" {
			i = "all"
		}
		names = append(names, fmt.Sprintf(hearSwitch, i))
	}
	return d.switchOn(&d.hearing, names)
}

// switchOn sets switches where the director is.
func (d *Director) switchOn(s *switches, names []string) (changed []string, err error) {
	unread := d.unread
	d.unread = nil
	if len(names)+len(*s) == 0 {
		return nil, unread
	}
	err = d.in.do(func() (err error) { changed, err = s.set(names, d.note); return })
	if len(changed) > 0 {
		err = errors.Join(err, d.note())
	}
	return changed, errors.Join(unread, err)
}

// set switches on those of the names that are off, and puts back the others
// that it has switched on before. Before is called with what is about to be
// switched on.
func (s *switches) set(names []string, before func() error) (changed []string, err error) {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(*s)) {
		if slices.Contains(names, name) {
			continue
		}
		was := (*s)[name]
		is, err := setSwitch(name, was)
		if err == nil {
			changed = append(changed, told(name, is, was))
		}
		errs = append(errs, err)
		delete(*s, name)
	}
	for _, name := range names {
		was, err := readSwitch(name)
		if err == nil && was != "1" {
			if *s == nil {
				*s = switches{}
			}
			(*s)[name] = was
			errs = append(errs, before())
			if _, err = setSwitch(name, "1"); err == nil {
				changed = append(changed, told(name, was, "1"))
			}
		}
		errs = append(errs, err)
	}
	return changed, errors.Join(errs...)
}

func told(name, was, is string) string {
	return fmt.Sprintf("%s: %s -> %s", sysctlName(name), was, is)
}

// sysctlName is how sysctl(8) calls it. A dot in an interface's name is a slash
// there.
func sysctlName(file string) string {
	return "net.ipv4." + strings.NewReplacer("/", ".", ".", "/").Replace(file)
}

// setSwitch returns what it was.
func setSwitch(name, value string) (was string, err error) {
	was, err = readSwitch(name)
	if err == nil && was != value {
		err = os.WriteFile(switchFolder+name, []byte(value), 0)
	}
	if err != nil {
		return was, fmt.Errorf("set %s to %s: %w", sysctlName(name), value, err)
	}
	return was, nil
}

func readSwitch(name string) (string, error) {
	data, err := os.ReadFile(switchFolder + name)
	return string(bytes.TrimSpace(data)), err
}
