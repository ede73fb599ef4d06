package files

import (
	"bytes"
	"path/filepath"
	"strconv"
	"strings"
)

// Number looks up what a name stands for in iproute2's files: FILE in each
// folder and what lies in FILE.d. The first that has the name counts; within a
// folder what lies in FILE.d comes first.
func (System) Number(dirs [2]string, file, name string) (uint32, bool) {
	for _, dir := range dirs {
		more, _ := filepath.Glob(filepath.Join(dir, file+".d", "*.conf")) // the pattern is good
		for _, path := range append(more, filepath.Join(dir, file)) {
			if n, known := numberIn(path, name); known {
				return n, true
			}
		}
	}
	return 0, false
}

// numberIn looks for a name in lines of "NUMBER NAME"; numbers may be
// hexadecimal. A file that cannot be read has no names.
func numberIn(path, name string) (uint32, bool) {
	text, err := Disk{}.Read(path)
	if err != nil {
		return 0, false
	}
	for line := range bytes.Lines(text) {
		said, _, _ := bytes.Cut(line, []byte("#"))
		w := strings.Fields(string(said))
		if len(w) < 2 || w[1] != name {
			continue
		}
		if n, err := strconv.ParseUint(w[0], 0, 32); err == nil {
			return uint32(n), true
		}
	}
	return 0, false
}
