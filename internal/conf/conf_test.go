package conf

import (
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

// texts are files that are not on a disk.
type texts map[string]string

func (t texts) Read(name string) ([]byte, error) {
	if s, ok := t[name]; ok {
		return []byte(s), nil
	}
	return nil, errors.New("open " + name + ": no such file")
}

func (t texts) Glob(pattern string) ([]string, error) {
	if _, ok := t[pattern]; ok {
		return []string{pattern}, nil
	}
	return nil, nil
}

// machine is a System with eth0, eth1, lo, root and some programs.
type machine struct{}

func (machine) HostName() string { return "lab.example.org" }
func (machine) Interface(n string) bool {
	return n == "eth0" || n == "eth1" || n == "lo"
}
func (machine) User(n string) bool  { return n == "root" || n == "nobody" }
func (machine) Group(n string) bool { return n == "root" || n == "nobody" }
func (machine) Program(p string) Program {
	switch p {
	case "/bin/true", "/bin/sh", "true", "killall":
		return Program{Path: p, Regular: true, Executable: true}
	case "/tmp/shared.sh":
		return Program{Path: p, Regular: true, Executable: true, Shared: true}
	case "/etc/passwd":
		return Program{Path: p, Regular: true}
	case "/tmp":
		return Program{Path: p}
	}
	return Program{}
}

func (machine) Resolves(host string) bool { return host == "localhost" }

// load loads a text as the file f.
func load(t testing.TB, text string) (*Config, diag.List) {
	t.Helper()
	return Load(texts{"f": text}, "f", Options{System: machine{}})
}

// ids lists what was found of at least a severity: "HF011:3".
func ids(l diag.List, s diag.Severity) string {
	var b strings.Builder
	for _, d := range l {
		if d.Severity >= s {
			b.WriteString(d.ID + " " + d.Message + "; ")
		}
	}
	return b.String()
}
