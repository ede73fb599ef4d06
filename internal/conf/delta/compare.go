package delta

import (
	"net/netip"
	"strconv"
	"strings"
)

// side is one of two texts that are compared.
type side struct {
	text  string
	parts []part
}

func (s *side) of(i int) string { return s.text[s.parts[i].from:s.parts[i].to] }

// avoid has servers read that have one of the lines, which are in order:
// something was wrong with them.
func (s *side) avoid(lines []int32) {
	for i := range s.parts {
		p := &s.parts[i]
		for p.marks = false; len(lines) > 0 && lines[0] < p.line; lines = lines[1:] {
			p.marks = true
		}
		p.wrong = len(lines) > 0 && p.server && lines[0] < p.line+p.lines
	}
}

// run is the index behind the servers that begin at i.
func (s *side) run(i int) int {
	for i < len(s.parts) && s.parts[i].server {
		i++
	}
	return i
}

// head is what a statement's first line says before its block.
func (s *side) head(i int) string {
	head, _, _ := strings.Cut(s.text[s.parts[i].from:], "\n")
	if end := strings.IndexAny(head, "{#!"); end >= 0 {
		head = head[:end]
	}
	return head
}

// marked reports whether a server is known by a mark, not by an address.
func (s *side) marked(i int) bool {
	keyword, words := next(s.head(i))
	mark, _ := next(words)
	return keyword == "virtual_server" && mark == "fwmark"
}

// key is the address of a server, by which it is known; ok is false if it has
// none, or one that is not written plainly.
func (s *side) key(i int) (k netip.AddrPort, ok bool) {
	keyword, words := next(s.head(i))
	addr, words := next(words)
	port, words := next(words)
	a, err := netip.ParseAddr(addr)
	n := uint64(0)
	if err == nil && port != "" {
		n, err = strconv.ParseUint(port, 10, 16)
	}
	if rest, _ := next(words); err != nil || rest != "" || keyword != "virtual_server" {
		return k, false
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), true
}

// next cuts the first word off a line.
func next(line string) (word, rest string) {
	line = strings.TrimLeft(line, " \t\v\f\r")
	if end := strings.IndexAny(line, " \t\v\f\r"); end >= 0 {
		return line[:end], line[end:]
	}
	return line, ""
}

// pairing finds the servers that two texts share, in their order and between
// the same other statements.
type pairing struct{ have, want side }

// pair reports whether all that is no server is the same.
func (p *pairing) pair() bool {
	for i, j := 0, 0; ; i, j = i+1, j+1 {
		a, b := p.have.run(i), p.want.run(j)
		p.servers(i, a, j, b)
		i, j = a, b
		if i == len(p.have.parts) || j == len(p.want.parts) {
			return i == len(p.have.parts) && j == len(p.want.parts)
		}
		if p.have.of(i) != p.want.of(j) {
			return false
		}
	}
}

// servers pairs the servers from i to a with those from j to b. Most are the
// same at both ends; of those between, what moves against the others is a
// server that goes and one that comes.
func (p *pairing) servers(i, a, j, b int) {
	for i < a && j < b && p.have.of(i) == p.want.of(j) {
		p.twins(i, j)
		i, j = i+1, j+1
	}
	for i < a && j < b && p.have.of(a-1) == p.want.of(b-1) {
		a, b = a-1, b-1
		p.twins(a, b)
	}
	if i == a || j == b {
		return
	}
	there := make(map[string]int, a-i)
	for k := i; k < a; k++ {
		there[p.have.of(k)] = k
	}
	for ; j < b; j++ {
		if k, ok := there[p.want.of(j)]; ok && k >= i {
			p.twins(k, j)
			i = k + 1
		}
	}
}

// twins are the same on both sides. They need not be read if all about them is
// known here.
func (p *pairing) twins(i, j int) {
	if p.have.parts[i].apart() {
		p.have.parts[i].twin, p.want.parts[j].twin = int32(j), int32(i) // bounded by maxText
	}
}
