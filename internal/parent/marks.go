package parent

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// defaultMask is the umask unless -u or the configuration says otherwise
// (IWGRP | IWOTH, keepalived.conf(5)).
const defaultMask = 0o022

// mask sets the umask of this process and of those that it starts from now on.
func (h *house) mask() {
	switch {
	case h.o.Umask >= 0:
		unix.Umask(h.o.Umask)
	case h.snapshot != nil && h.report.Umask >= 0:
		unix.Umask(h.report.Umask)
	default:
		unix.Umask(defaultMask)
	}
}

// complaint is of somebody beside the loop.
type complaint string

// mark makes reload_file, empty, and returns what takes it away again once the
// configuration is read: who writes that waits meanwhile.
func (h *house) mark(path string) (remove func()) {
	if path == "" {
		return func() {}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW, 0o644) // for everybody to see
	if err != nil {
		h.post(complaint("Failed to create reload file: " + err.Error()))
		return func() {}
	}
	f.Close()
	return func() { _ = os.Remove(path) }
}

// checkLog writes what is wrong with a configuration that is to be reloaded
// into the file of reload_check_config.
func (h *house) checkLog(r *Report) {
	path := h.report.Reloads.CheckLog
	if path == "" || h.snapshot == nil {
		return
	}
	problems, fatal := slices.Clone(r.Problems), r.Fatal
	h.work.Go(func() {
		var b strings.Builder
		for _, p := range problems {
			fmt.Fprintf(&b, "%s: %s\n", p.Severity, place(p))
		}
		if fatal != "" {
			b.WriteString(fatal + "\n")
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW, 0o644) // for everybody to see
		if err == nil {
			_, err = f.WriteString(b.String())
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			h.post(complaint("write what is wrong with the configuration: " + err.Error()))
		}
	})
}
