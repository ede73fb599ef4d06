package files

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Replace writes a file whole or not at all: whoever reads it meanwhile has the
// old one. A symbolic link of that name is replaced, never followed. Only we
// may read it.
func Replace(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*") // 0600, O_EXCL
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
