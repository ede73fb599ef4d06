package ipvs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Notes outlive us: what switches were before we set them to 1, by their names
// under /proc/sys/net/ipv4. A checker that was killed has put none of them back;
// who reads its notes can.
type Notes interface {
	Read() (map[string]string, error)
	// Write replaces them; none are not kept.
	Write(map[string]string) error
}

// maxNotes bounds how many switches are taken over, and maxNote what one was,
// in bytes.
const maxNotes, maxNote = 1024, 16

// note writes down which switches are ours.
func (d *Director) note() error {
	if d.notes == nil {
		return nil
	}
	all := maps.Clone(d.expiry)
	if all == nil {
		all = switches{}
	}
	maps.Copy(all, d.hearing)
	if err := d.notes.Write(all); err != nil {
		return fmt.Errorf("note which sysctls are to be put back: %w", err)
	}
	return nil
}

// recall makes ours what a predecessor has switched on and not put back: what
// is still wanted stays, the rest is put back as if we had switched it on.
func (d *Director) recall() error {
	if d.notes == nil {
		return nil
	}
	found, err := d.notes.Read()
	if err != nil {
		return fmt.Errorf("read which sysctls are to be put back: %w", err)
	}
	if len(found) > maxNotes {
		return errors.New("read which sysctls are to be put back: they are too many")
	}
	d.expiry, d.hearing = switches{}, switches{}
	return d.in.do(func() error {
		for name, was := range found {
			expiry, hearing := slices.Contains(expirySwitches, name), isHearing(name)
			if is, err := readSwitch(name); err != nil || is != "1" || len(was) > maxNote {
				continue // gone, or somebody has set it since
			}
			switch {
			case expiry:
				d.expiry[name] = was
			case hearing:
				d.hearing[name] = was
			}
		}
		return nil
	})
}

// isHearing reports whether a name is a hearSwitch, of one interface.
func isHearing(name string) bool {
	before, after, _ := strings.Cut(hearSwitch, "%s")
	i, ok := strings.CutPrefix(name, before)
	if !ok {
		return false
	}
	i, ok = strings.CutSuffix(i, after)
	return ok && i != "" && i != ".." && i != "." && !strings.Contains(i, "/")
}
