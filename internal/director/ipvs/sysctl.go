package ipvs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
)

// expirySwitches have the kernel forget a connection with its next packet when
// its server is gone, and what it remembers of a client when the server has
// weight 0 (Documentation/networking/ipvs-sysctl.rst). They hold for all
// services of the network namespace.
var expirySwitches = []string{"expire_nodest_conn", "expire_quiescent_template"}

// switchFolder has IPVS's sysctls.
var switchFolder = "/proc/sys/net/ipv4/vs/"

// sysctl is one that was changed, and what it was before.
type sysctl struct{ name, was string }

// SetExpiry sets the switches, or puts back what they were. Each time they are
// looked at, for others may set them too.
func (d *Director) SetExpiry(on bool) (changed []string, err error) {
	if !on && len(d.switches) == 0 {
		return nil, nil
	}
	err = d.in.do(func() (err error) { changed, err = d.setExpiry(on); return })
	return changed, err
}

func (d *Director) setExpiry(on bool) (changed []string, err error) {
	var errs []error
	if on {
		for _, name := range expirySwitches {
			was, err := setSwitch(name, "1")
			if err == nil && was != "1" {
				d.switches = append(d.switches, sysctl{name, was})
				changed = append(changed, fmt.Sprintf("net.ipv4.vs.%s: %s -> 1", name, was))
			}
			errs = append(errs, err)
		}
		return changed, errors.Join(errs...)
	}
	for _, s := range d.switches {
		if is, err := setSwitch(s.name, s.was); err == nil {
			changed = append(changed, fmt.Sprintf("net.ipv4.vs.%s: %s -> %s", s.name, is, s.was))
		} else {
			errs = append(errs, err)
		}
	}
	d.switches = nil
	return changed, errors.Join(errs...)
}

// setSwitch returns what it was.
func setSwitch(name, value string) (was string, err error) {
	data, err := os.ReadFile(switchFolder + name)
	if err == nil {
		if was = string(bytes.TrimSpace(data)); was != value {
			err = os.WriteFile(switchFolder+name, []byte(value), 0)
		}
	}
	if err != nil {
		return was, fmt.Errorf("set net.ipv4.vs.%s to %s: %w", name, value, err)
	}
	return was, nil
}
