package track

import "strings"

// Pattern says which processes are meant.
type Pattern struct {
	// Program is the process's name as the kernel has it, which is cut to 15
	// bytes, or the first word of its command line where that is looked at.
	Program string
	Params  []string
	// Match says how Params are compared with the words that follow; none: they
	// are not looked at.
	Match Match
	// Line: compare the command line, not the process's name [full_command].
	Line bool
}

// Match is how arguments are compared [param_match].
type Match uint8

// The ways to compare arguments.
const (
	MatchNone    Match = iota
	MatchExact         // the same, and no more
	MatchPartial       // the first are the same, others may follow
	MatchInitial       // the same, but the last may be longer
)

// NeedsLine reports whether the command line must be known.
func (p *Pattern) NeedsLine() bool { return p.Line || p.Match != MatchNone }

// Matches compares a process; words are those of its command line, if needed.
func (p *Pattern) Matches(name string, words []string) bool {
	if !p.NeedsLine() {
		return name == p.Program
	}
	if len(words) == 0 || words[0] != p.Program {
		return false
	}
	words = words[1:]
	n := len(p.Params)
	switch p.Match {
	case MatchNone:
		return true
	case MatchExact:
		return len(words) == n && same(words, p.Params)
	case MatchPartial:
		return len(words) >= n && same(words[:n], p.Params)
	}
	if len(words) != n {
		return false
	}
	return n == 0 || same(words[:n-1], p.Params[:n-1]) && strings.HasPrefix(words[n-1], p.Params[n-1])
}

func same(a, b []string) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Processes knows which running processes match which patterns.
type Processes struct {
	patterns []Pattern
	found    map[int][]int // pid: indexes of patterns; only of those that match one
	counts   []int
}

// NewProcesses returns an empty set.
func NewProcesses(patterns []Pattern) *Processes {
	return &Processes{patterns: patterns, found: map[int][]int{}, counts: make([]int, len(patterns))}
}

// NeedsLine reports whether command lines must be known.
func (s *Processes) NeedsLine() bool {
	for i := range s.patterns {
		if s.patterns[i].NeedsLine() {
			return true
		}
	}
	return false
}

// Counts is how many processes match each pattern; it is the set's own.
func (s *Processes) Counts() []int { return s.counts }

// Seen takes what a process is now called.
func (s *Processes) Seen(pid int, name string, words []string) {
	s.Gone(pid)
	for i := range s.patterns {
		if s.patterns[i].Matches(name, words) {
			s.found[pid] = append(s.found[pid], i)
			s.counts[i]++
		}
	}
}

// Forked: a child is what its parent is, until it says otherwise.
func (s *Processes) Forked(parent, child int) {
	s.Gone(child)
	matches := s.found[parent]
	if len(matches) == 0 {
		return
	}
	s.found[child] = append([]int(nil), matches...)
	for _, i := range matches {
		s.counts[i]++
	}
}

// Gone: a process has ended.
func (s *Processes) Gone(pid int) {
	for _, i := range s.found[pid] {
		s.counts[i]--
	}
	delete(s.found, pid)
}

// Keep forgets the processes that are not there.
func (s *Processes) Keep(there func(pid int) bool) {
	for pid := range s.found {
		if !there(pid) {
			s.Gone(pid)
		}
	}
}
