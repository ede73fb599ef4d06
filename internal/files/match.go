package files

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// folderFee is how many names a folder counts for: opening it takes time.
const folderFee = 16

// match is filepath.Glob, but it looks at no more names than most: /*/*/* would
// read the whole disk.
func match(pattern string, most int) ([]string, error) {
	if _, err := filepath.Match(pattern, ""); err != nil {
		return nil, err
	}
	at, rest := []string{""}, strings.Split(pattern, "/")
	if strings.HasPrefix(pattern, "/") {
		at, rest = []string{"/"}, rest[1:]
	}
	looked := 0
	for _, part := range rest {
		var next []string
		for _, dir := range at {
			if !strings.ContainsAny(part, `*?[\`) {
				next = append(next, join(dir, part))
				continue
			}
			names := names(dir)
			if looked += folderFee + len(names); looked > most {
				return nil, fmt.Errorf("more than %d names to look at", most)
			}
			for _, name := range names {
				if ok, _ := filepath.Match(part, name); ok { // the pattern was looked at
					next = append(next, join(dir, name))
				}
			}
		}
		at = next
	}
	var found []string
	for _, name := range at {
		if _, err := os.Lstat(name); err == nil {
			found = append(found, name)
		}
	}
	return found, nil
}

// names are those in a folder, as many as may be looked at; none if it cannot
// be read. What is no folder is not opened: a pipe would wait for its writer,
// and a watchdog begin to run.
func names(dir string) []string {
	if dir == "" {
		dir = "."
	}
	f, err := os.OpenFile(dir, unix.O_DIRECTORY, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.Readdirnames(MaxLooked + 1)
	return names
}

func join(dir, name string) string {
	if dir == "" || strings.HasSuffix(dir, "/") {
		return dir + name
	}
	return dir + "/" + name
}
