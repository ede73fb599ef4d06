package ipvs

import (
	"fmt"

	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// Firewall is what marks packets.
type Firewall interface {
	// Apply replaces what is marked, by a table of our own, in one step.
	Apply(m *lvs.Marks) error
	// Same reports whether that is still so.
	Same(m *lvs.Marks) (bool, error)
	// Remove removes a table.
	Remove(table string) error
}

// marks are the tables of the firewall that are ours.
type marks struct {
	firewall Firewall
	want     lvs.Marks
	have     lvs.Marks // Table is empty if we wrote none
}

// Mark replaces what is marked.
func (d *Director) Mark(m lvs.Marks) { d.marks.want = m }

// write brings the firewall to what is wanted. A table of another name goes
// when the new one is there.
func (m *marks) write() error {
	if m.have.Equal(&m.want) {
		return nil
	}
	was := m.have.Table
	if m.want.Table != "" {
		if err := m.firewall.Apply(&m.want); err != nil {
			return fmt.Errorf("mark packets for virtual server groups: %w", err)
		}
	}
	if was != "" && was != m.want.Table {
		if err := m.firewall.Remove(was); err != nil {
			return err
		}
	}
	m.have = m.want
	return nil
}

// audit has the tables written again if they are not what was written.
func (m *marks) audit() (changed bool, err error) {
	if m.have.Table == "" {
		return false, nil
	}
	same, err := m.firewall.Same(&m.have)
	if err != nil || same {
		return false, err
	}
	m.have.Each = nil
	return true, nil
}

// remove takes our tables away.
func (m *marks) remove() error {
	was := m.have.Table
	m.want, m.have = lvs.Marks{}, lvs.Marks{}
	if was == "" {
		return nil
	}
	return m.firewall.Remove(was)
}
