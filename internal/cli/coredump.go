package cli

import (
	"fmt"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// corePatternFile says how core dumps are named, of all processes (core(5)).
const corePatternFile = "/proc/sys/kernel/core_pattern"

// coreDumps does what -m and -M ask for; what it returns undoes -M. Go dumps
// core only if it is told to, and children are told by the environment.
func (f *flags) coreDumps(t terminal, program string) (undo func()) {
	undo = func() {}
	pattern, given := f.given("core-dump-pattern", f.corePattern, "core")
	if !f.coreDump && !given {
		return undo
	}
	unlimited := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unlimited); err != nil {
		fmt.Fprintf(t.err, "%s: allow core dumps of any size: %v\n", program, err)
	}
	debug.SetTraceback("crash")
	_ = os.Setenv("GOTRACEBACK", "crash")
	if !given {
		return undo
	}
	was, err := os.ReadFile(corePatternFile)
	if err == nil {
		err = os.WriteFile(corePatternFile, []byte(pattern), 0)
	}
	if err != nil {
		fmt.Fprintf(t.err, "%s: name core dumps %s: %v\n", program, pattern, err)
		return undo
	}
	return func() { _ = os.WriteFile(corePatternFile, was, 0) }
}
