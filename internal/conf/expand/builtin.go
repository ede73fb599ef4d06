package expand

import (
	"path"
	"strconv"
	"strings"
)

// builtin is the value of a definition that the program makes.
func (l *Lines) builtin(u use, at Place) (string, bool) {
	switch u.name {
	case "_PWD":
		dir := path.Dir(l.File(l.here(at)))
		if !path.IsAbs(dir) {
			dir = path.Join(l.opt.Dir, dir)
		}
		return dir, true
	case "_INSTANCE": // the option -i, whatever the keyword instance says
		return l.opt.ConfigID, true
	case "_HASH":
		return "#", true
	case "_BANG":
		return "!", true
	case "_RANDOM":
		return l.roll(strings.Fields(u.args))
	case "_ENV":
		name := strings.TrimSpace(u.args)
		if name == "" || l.opt.Env == nil {
			return "", name != ""
		}
		return l.opt.Env(name), true
	}
	return "", false
}

// here is a place in the file that is being read.
func (l *Lines) here(at Place) Place {
	for i := len(l.feeds) - 1; i >= 0; i-- {
		if f, ok := l.feeds[i].(*file); ok {
			return Place{File: f.frame}
		}
	}
	return at
}

// seed makes the same numbers of the same names: all processes that read a
// configuration on one machine, and all readings of it, must agree about it,
// while another machine gets others.
func seed(names ...string) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	for _, n := range names {
		for i := 0; i < len(n); i++ {
			h = (h ^ uint64(n[i])) * 1099511628211
		}
		h *= 1099511628211
	}
	return h
}

// randomSeed is the keyword that says where random numbers begin.
const randomSeed = "random_seed"

// reseed follows random_seed: from this line on numbers are the same wherever
// the file is read.
func (l *Lines) reseed(line string) {
	if rest, ok := strings.CutPrefix(line, randomSeed); ok {
		if n, err := strconv.ParseUint(strings.TrimSpace(rest), 10, 32); err == nil {
			l.random = n
		}
	}
}

// roll is ${_RANDOM [MIN [MAX]]}, by default from 0 to 32767.
func (l *Lines) roll(args []string) (string, bool) {
	limits := [2]uint64{0, 32767}
	if len(args) > len(limits) {
		return "", false
	}
	for i, a := range args {
		n, err := strconv.ParseUint(a, 10, 32)
		if err != nil {
			return "", false
		}
		limits[i] = n
	}
	if limits[1] < limits[0] {
		return "", false
	}
	l.random += 0x9e3779b97f4a7c15 // splitmix64
	z := l.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	return strconv.FormatUint(limits[0]+z%(limits[1]-limits[0]+1), 10), true
}
