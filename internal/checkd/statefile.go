package checkd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/holdfast-ha/holdfast/api"
	"github.com/holdfast-ha/holdfast/internal/lvs"
)

const (
	// stateVersion is the version of the file's form.
	stateVersion = 1
	// maxState bounds the file in bytes.
	maxState = 4 << 20
	// maxName bounds a name in it, in bytes.
	maxName = 512
	// keepAgain is how long to wait before what could not be written is written.
	keepAgain = 10 * time.Second
)

// state is what the file holds.
type state struct {
	Version   int    `json:"version"`
	Overrides []kept `json:"overrides"`
}

type kept struct {
	Pool string `json:"pool"`
	api.Override
}

// load reads what was kept. Garbage is told and set aside; it does not keep
// the checker from its work.
func (o *overrides) load(d *daemon) {
	o.all, o.path, o.again = map[target]*api.Override{}, d.boot.StateFile, keepAgain
	if o.path == "" {
		return
	}
	found, err := readState(o.path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	warn := func(format string, args ...any) {
		d.tell(record{level: slog.LevelWarn, kind: "config", what: fmt.Sprintf(format, args...)})
	}
	if err != nil {
		bad := o.path + ".bad"
		warn("overrides by command are lost: %v; the file is now %s", err, bad)
		_ = os.Rename(o.path, bad) // else it is replaced with the next command
		return
	}
	for i := range found {
		k := &found[i]
		if err := k.sane(); err != nil {
			warn("%s: an override by command is left out: %v", o.path, err)
			continue
		}
		o.all[target{k.Pool, k.Server}] = &k.Override
		d.tellOverride(&k.Override, true)
	}
}

func readState(path string) ([]kept, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err == nil && len(data) > maxState {
		err = fmt.Errorf("more than %d bytes", maxState)
	}
	var s state
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err == nil && s.Version != stateVersion {
		err = fmt.Errorf("version %d, expected %d", s.Version, stateVersion)
	}
	if err == nil && len(s.Overrides) > maxOverrides {
		err = fmt.Errorf("%d overrides, %d are the most", len(s.Overrides), maxOverrides)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return s.Overrides, nil
}

// sane looks at what was read.
func (k *kept) sane() error {
	_, known := kinds[k.Kind]
	switch {
	case !known:
		return fmt.Errorf("%q is no kind of override", k.Kind)
	case k.Weight < 0 || k.Weight > lvs.MaxWeight:
		return fmt.Errorf("weight %d", k.Weight)
	case k.Pool == "" || k.Server == "" || len(k.Pool) > maxName || len(k.Server) > maxName || len(k.Service) > maxName || len(k.Why) > api.MaxWhy:
		return errors.New("a name is missing, or too long")
	}
	return nil
}

// keep writes the overrides beside the loop; done is called on the loop when
// the file has at least what is said now.
func (d *daemon) keep(done func(error)) {
	o := &d.overrides
	o.next = append(o.next, done)
	if o.busy {
		return
	}
	o.busy = true
	waiting, path := o.next, o.path
	o.next = nil
	s := state{Version: stateVersion, Overrides: make([]kept, 0, len(o.all))}
	for t, said := range o.all {
		s.Overrides = append(s.Overrides, kept{t.pool, *said})
	}
	d.beside.Go(func() {
		err := writeState(path, s)
		d.post(d.alive, func() {
			o.busy = false
			d.unkept(err)
			for _, f := range waiting {
				f(err)
			}
			if n := o.next; len(n) > 0 {
				o.next = n[:len(n)-1]
				d.keep(n[len(n)-1])
			}
		})
	})
}

// unkept tells of overrides that could not be written, once, and tries until
// they can.
func (d *daemon) unkept(err error) {
	o := &d.overrides
	was := o.lost
	o.lost = err != nil && o.path != ""
	switch {
	case o.lost && !was:
		d.tell(record{level: slog.LevelWarn, kind: "config", what: fmt.Sprintf("overrides by command hold, but would not outlive this process, until they can be written: %v", err)})
	case was && !o.lost:
		d.tell(record{kind: "config", what: "overrides by command are written to " + o.path})
	}
	if !o.lost {
		return
	}
	d.beside.Go(func() {
		select {
		case <-d.alive.Done():
		case <-time.After(o.again):
			d.post(d.alive, func() {
				if o.lost && !o.busy {
					d.keep(func(error) {})
				}
			})
		}
	})
}

// writeState replaces the file at once, or not at all.
func writeState(path string, s state) error {
	if path == "" {
		return errors.New("there is no place to keep it")
	}
	data, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
