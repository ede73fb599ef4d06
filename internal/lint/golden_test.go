package lint

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

var update = flag.Bool("update", false, "write what is said into testdata and docs/lints.md")

// archive is testdata/ID.txt: files that a rule speaks about (bad/…), what it
// says (want), and files about which it is silent (good/…). More than one file
// is a cluster.
type archive struct {
	*txtar.Archive
	path string
}

func example(t *testing.T, id string) archive {
	t.Helper()
	path := filepath.Join("testdata", id+".txt")
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return archive{a, path}
}

// Read and Glob make an archive source.Files.
func (a archive) Read(name string) ([]byte, error) {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data, nil
		}
	}
	return nil, os.ErrNotExist
}

func (a archive) Glob(string) ([]string, error) { return nil, errors.New("examples include nothing") }

func (a archive) below(dir string) []string {
	var names []string
	for _, f := range a.Files {
		if strings.HasPrefix(f.Name, dir) {
			names = append(names, f.Name)
		}
	}
	return names
}

// insecure is a machine where others may change every script but /bin/true,
// and which has none below /missing.
type insecure struct{}

func (insecure) HostName() string      { return "host" }
func (insecure) Interface(string) bool { return true }
func (insecure) User(name string) bool { return name == "root" }
func (insecure) Group(string) bool     { return true }
func (insecure) Program(path string) conf.Program {
	if strings.HasPrefix(path, "/missing/") {
		return conf.Program{}
	}
	return conf.Program{Path: path, Regular: true, Executable: true, Shared: path != "/bin/true"}
}

// files are those of TLS: none is below /missing, and /other is a key of
// another certificate.
func files(t conf.TLS) (string, error) {
	for file, path := range map[string]string{"ca": t.CA, "certificate": t.Certificate, "key": t.Key} {
		if strings.HasPrefix(path, "/missing/") {
			return file, errors.New("open " + path + ": no such file")
		}
	}
	if t.Key == "/other" {
		return "key", errors.New("the key /other is not that of the certificate " + t.Certificate)
	}
	return "", nil
}

// MayDisguise is false: nobody here has capabilities.
func (insecure) MayDisguise() bool { return false }

// speak loads files and returns what the rules say of them, and what conf says.
func speak(a archive, names []string) (lints, others diag.List) {
	var all []Member
	for _, name := range names {
		c, found := conf.Load(a, name, conf.Options{})
		others = append(others, found...)
		all = append(all, Member{Name: filepath.Base(name), Config: c, Files: a})
		if len(names) == 1 {
			return Run(c, Options{Files: a, System: insecure{}, TLS: files}), others
		}
	}
	return Cluster(all), others
}

func TestExamples(t *testing.T) {
	for _, r := range Rules() {
		t.Run(r.ID, func(t *testing.T) {
			a := example(t, r.ID)
			got, others := speak(a, a.below("bad/"))
			for _, d := range others {
				if d.Severity >= diag.Error {
					t.Errorf("the bad example has other faults: %s", d)
				}
			}
			var b strings.Builder
			for _, d := range got {
				if d.ID != r.ID {
					t.Errorf("the bad example is bad in another way too: %s", d)
				}
			}
			_ = diag.Print(&b, got)
			a.compare(t, b.String())
			if len(got) == 0 {
				t.Error("the bad example is not found")
			}
			good, others := speak(a, a.below("good/"))
			for _, d := range append(others, good...) {
				if d.Severity > diag.Notice || d.ID == r.ID {
					t.Errorf("the good example is not good: %s", d)
				}
			}
		})
	}
}

func (a archive) compare(t *testing.T, got string) {
	t.Helper()
	for i := range a.Files {
		f := &a.Files[i]
		if f.Name != "want" || string(f.Data) == got {
			continue
		}
		if !*update {
			t.Errorf("got\n%swant\n%s", got, f.Data)
			continue
		}
		f.Data = []byte(got)
		if err := os.WriteFile(a.path, txtar.Format(a.Archive), 0o600); err != nil {
			t.Error(err)
		}
	}
}

func TestEveryExampleHasARule(t *testing.T) {
	names, err := filepath.Glob("testdata/HF*.txt")
	if err != nil || len(names) != len(Rules()) {
		t.Errorf("%d examples, %d rules, %v", len(names), len(Rules()), err)
	}
}
