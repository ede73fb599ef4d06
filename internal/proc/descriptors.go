package proc

import "golang.org/x/sys/unix"

// Descriptors asks for room for so many descriptors (RLIMIT_NOFILE), and
// returns how many this process may have, which is less if it may not raise its
// limit. The runtime has raised the soft limit to the hard one already.
func Descriptors(enough int) int {
	var have unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &have) != nil {
		return unknownDescriptors
	}
	for _, n := range []uint64{uint64(max(enough, 0)), have.Max} {
		if have.Cur >= n {
			continue
		}
		more := unix.Rlimit{Cur: n, Max: max(n, have.Max)}
		if unix.Setrlimit(unix.RLIMIT_NOFILE, &more) == nil {
			have = more
			break
		}
	}
	return int(min(have.Cur, 1<<30)) // bounded
}

// unknownDescriptors is what a process has where nobody says otherwise.
const unknownDescriptors = 1024
