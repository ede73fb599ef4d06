package ipvs

import (
	"maps"
	"slices"
	"syscall"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/director"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

// fakeKernel keeps a table as IPVS does, with its error numbers, and speaks
// the same messages.
type fakeKernel struct {
	t          *testing.T
	table      lvs.Table
	schedulers []string
	writes     int // calls of write
	messages   int // messages in them
	reads      int // of services and of servers
	onRead     func()
	closed     bool
}

func newFake(t *testing.T) *fakeKernel {
	return &fakeKernel{t: t, table: lvs.Table{}, schedulers: []string{"rr", "wrr", "wlc", "sh"}}
}

const fakeFamily = 42

func (f *fakeKernel) open() *Director { return open(f, fakeFamily) }

func (f *fakeKernel) close() error { f.closed = true; return nil }

// split calls each for every message of a batch, and checks the framing.
func (f *fakeKernel) split(b *batch, each func(i int, cmd uint8, m message)) {
	f.t.Helper()
	i := 0
	_, err := eachMessage(b.buf, func(m message) (bool, error) {
		if m.typ != fakeFamily {
			f.t.Errorf("message for family %d", m.typ)
		}
		cmd := m.data[0]
		m.data = m.data[genlLen:]
		each(i, cmd, m)
		i++
		return false, nil
	})
	if err != nil || i != b.count {
		f.t.Errorf("%d of %d messages are well formed: %v", i, b.count, err)
	}
}

func (f *fakeKernel) write(b *batch, firstSeq uint32) (map[int]error, error) {
	f.writes++
	b.acknowledge()
	failed := map[int]error{}
	f.split(b, func(i int, cmd uint8, m message) {
		f.messages++
		if m.seq != firstSeq+uint32(i) {
			f.t.Errorf("message %d has sequence %d, want %d", i, m.seq, firstSeq+uint32(i))
		}
		if err := f.do(cmd, m.data); err != 0 {
			failed[i] = err
		}
	})
	return failed, nil
}

func (f *fakeKernel) do(cmd uint8, data []byte) syscall.Errno {
	s, err := parseService(data)
	if err != nil {
		return syscall.EINVAL
	}
	have, exists := f.table[s.key]
	switch cmd {
	case cmdNewService, cmdSetService:
		if cmd == cmdNewService && exists {
			return syscall.EEXIST
		}
		if cmd == cmdSetService && !exists {
			return syscall.ESRCH
		}
		if !slices.Contains(f.schedulers, s.svc.Scheduler) {
			return syscall.ENOENT
		}
		if s.svc.Servers = have.Servers; !exists {
			s.svc.Servers = map[lvs.ServerKey]lvs.Server{}
		}
		f.table[s.key] = s.svc
		return 0
	case cmdDelService:
		if !exists {
			return syscall.ESRCH
		}
		delete(f.table, s.key)
		return 0
	}
	if !exists {
		return syscall.ESRCH
	}
	d, err := parseDest(data, s.key.Family)
	if err != nil {
		return syscall.EINVAL
	}
	_, known := have.Servers[d.key]
	switch {
	case cmd == cmdNewDest && known:
		return syscall.EEXIST
	case cmd != cmdNewDest && !known:
		return syscall.ENOENT
	case cmd == cmdDelDest:
		delete(have.Servers, d.key)
	default:
		have.Servers[d.key] = d.server
	}
	return 0
}

func (f *fakeKernel) read(b *batch, _ uint32, each func([]byte) error) error {
	var err error
	f.reads++
	if f.onRead != nil {
		f.onRead()
	}
	f.split(b, func(_ int, cmd uint8, m message) {
		switch cmd {
		case cmdGetService:
			for key, s := range f.table {
				answer := &batch{}
				answer.service(key, s)
				err = each(answer.buf)
			}
		case cmdGetDest:
			s, parseErr := parseService(m.data)
			if parseErr != nil {
				err = parseErr
				return
			}
			for key, server := range f.table[s.key].Servers {
				answer := &batch{}
				answer.dest(s.key, key, server, true)
				err = each(answer.buf)
			}
		case cmdFlush:
			clear(f.table)
		default:
			f.t.Errorf("unexpected command %d", cmd)
		}
	})
	return err
}

func (f *fakeKernel) world(*testing.T) lvs.Table { return director.Clone(maps.Clone(f.table)) }
