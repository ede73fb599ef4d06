package checkd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/holdfast-ha/holdfast/internal/director/ipvs"
	"github.com/holdfast-ha/holdfast/internal/files"
)

const (
	// notesVersion is the version of the file's form.
	notesVersion = 1
	// maxNotes bounds the file in bytes.
	maxNotes = 256 << 10
)

// notes are a file beside the pid file: what sysctls that we have set are to be
// again. It is there only while there are any, so that a checker that comes
// after one that was killed can put them back.
type notes struct{ path string }

// noted is what the file holds.
type noted struct {
	Version  int               `json:"version"`
	Switches map[string]string `json:"switches"`
}

// notesFor are those about a network namespace, "" is ours; nil if there is no
// ledger.
func notesFor(ledger, namespace string) ipvs.Notes {
	if ledger == "" {
		return nil
	}
	if namespace != "" {
		ledger += "." + namespace
	}
	return notes{ledger}
}

func (n notes) Read() (map[string]string, error) {
	f, err := os.Open(n.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxNotes))
	var is noted
	if err == nil {
		err = json.Unmarshal(data, &is)
	}
	if err == nil && is.Version != notesVersion {
		err = fmt.Errorf("version %d, expected %d", is.Version, notesVersion)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.path, err)
	}
	return is.Switches, nil
}

func (n notes) Write(switches map[string]string) error {
	if len(switches) == 0 {
		err := os.Remove(n.path)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return err
	}
	data, err := json.Marshal(noted{notesVersion, switches})
	if err != nil {
		return err
	}
	return files.Replace(n.path, data)
}
