package file

import (
	"errors"
	"fmt"
	"io/fs"
)

// Value reads the number that a file holds, as an attempt does: one that is not
// there holds 0.
func Value(path string) (int, error) {
	b, err := read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	n, ok := number(b)
	if !ok {
		return 0, fmt.Errorf("the number in %s is out of range", path)
	}
	return int(n), nil
}
