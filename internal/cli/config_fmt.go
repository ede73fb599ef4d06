package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/holdfast-ha/holdfast/internal/conf/format"
)

// maxInput bounds what is read from standard input, in bytes.
const maxInput = 64 << 20

// configFmt is `holdfast config fmt`.
func configFmt(t terminal, f *configFlags, args []string) int {
	if len(args) == 0 {
		if f.write || f.list {
			fmt.Fprintln(t.err, "holdfast config fmt: -w and -l need a FILE")
			return exitUnread
		}
		text, err := io.ReadAll(io.LimitReader(t.in, maxInput))
		if err != nil {
			fmt.Fprintf(t.err, "holdfast config fmt: %v\n", err)
			return exitUnread
		}
		fmt.Fprint(t.out, format.Source(string(text)))
		return exitFine
	}
	code := exitFine
	for _, name := range args {
		changes, err := f.lay(t, name)
		switch {
		case err != nil:
			fmt.Fprintf(t.err, "holdfast config fmt: %v\n", err)
			code = exitUnread
		case changes && f.list:
			code = max(code, exitProblems)
		}
	}
	return code
}

// lay lays one file out and reports whether that changes it.
func (f *configFlags) lay(t terminal, name string) (changes bool, err error) {
	text, err := disk.Read(name)
	if err != nil {
		return false, err
	}
	out := format.Source(string(text))
	changes = out != string(text)
	if !format.Same(string(text), out, f.id) {
		return false, fmt.Errorf("%s: laid out, it would mean something else; please report this", name)
	}
	switch {
	case f.list && changes:
		fmt.Fprintln(t.out, name)
	case !f.list && !f.write:
		fmt.Fprint(t.out, out)
	}
	if f.write && changes {
		err = replace(name, []byte(out))
	}
	return changes, err
}

// replace gives a file another content: at every moment there is the old one
// or the new one. Mode and owner stay, and so does a symbolic link to it.
func replace(name string, data []byte) (err error) {
	name, err = filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	was, err := os.Stat(name)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = tmp.Close()
			_ = os.Remove(tmp.Name())
		}
	}()
	if s, ok := was.Sys().(*syscall.Stat_t); ok {
		if err = tmp.Chown(int(s.Uid), int(s.Gid)); err != nil {
			return err
		}
	}
	if err = tmp.Chmod(was.Mode().Perm()); err != nil { // after chown, which drops bits
		return err
	}
	if _, err = tmp.Write(data); err != nil {
		return err
	}
	if err = tmp.Sync(); err != nil {
		return err
	}
	if err = tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
