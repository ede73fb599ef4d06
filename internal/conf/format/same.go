package format

import (
	"github.com/holdfast-ha/holdfast/internal/conf/expand"
	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// Same reports whether two texts mean the same to a machine with a
// configuration id: the same words in the same blocks. Files that they include
// are not looked at.
func Same(a, b, id string) bool {
	ra, rb := reader(a, id), reader(b, id)
	for {
		x, more := ra.Next()
		y, again := rb.Next()
		if !more || !again {
			return more == again
		}
		if !sameNode(x, y) {
			return false
		}
	}
}

func reader(text, id string) *syntax.Reader {
	return syntax.NewReader(alone(text), "", expand.Options{ConfigID: id}, func(diag.Diagnostic) {})
}

func sameNode(x, y *syntax.Node) bool {
	if len(x.Words) != len(y.Words) || len(x.Block) != len(y.Block) || x.Opened != y.Opened {
		return false
	}
	for i := range x.Words {
		if x.Words[i].Text != y.Words[i].Text || x.Words[i].Quoted != y.Words[i].Quoted {
			return false
		}
	}
	for i := range x.Block {
		if !sameNode(&x.Block[i], &y.Block[i]) {
			return false
		}
	}
	return sameScript(x.Text, y.Text)
}

// sameScript compares what keywords that split words in their own way see.
func sameScript(x, y string) bool {
	if x == y {
		return true
	}
	a, oka := syntax.Escaped(x)
	b, okb := syntax.Escaped(y)
	if oka != okb || len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// alone is a disk with one file on it.
type alone string

func (a alone) Read(name string) ([]byte, error) {
	if name != "" {
		return nil, missing{}
	}
	return []byte(a), nil
}

func (a alone) Glob(string) ([]string, error) { return nil, nil }

// missing is what is said of included files.
type missing struct{}

func (missing) Error() string { return "not looked at" }
