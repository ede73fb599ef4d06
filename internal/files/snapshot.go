package files

import (
	"errors"
	"os"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/expand"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// LoadSnapshot loads a configuration from a snapshot (source.Set's bytes) as
// every child does: name is the file's, id what @ID lines are compared with.
// What was wrong with it was said when the snapshot was made.
func LoadSnapshot(snapshot []byte, name, id string) (*conf.Config, error) {
	set, err := source.Unmarshal(snapshot)
	if err != nil {
		return nil, err
	}
	return LoadSet(set, name, id, nil)
}

// LoadSet is LoadSnapshot of a set, without what skip leaves out (conf.Options).
func LoadSet(set *source.Set, name, id string, skip func(name, text string) []expand.Hole) (*conf.Config, error) {
	c, _, err := ReadSet(set, name, id, skip)
	return c, err
}

// ReadSet is LoadSet with what is wrong with the text.
func ReadSet(set *source.Set, name, id string, skip func(name, text string) []expand.Hole) (*conf.Config, diag.List, error) {
	machine, err := NewChild(set.Facts)
	if err != nil {
		return nil, nil, err
	}
	c, found := conf.Load(set, name, conf.Options{ConfigID: id, Env: os.Getenv, System: machine, Skip: skip})
	for i := range found {
		if found[i].Severity == diag.Fatal {
			return nil, nil, errors.New(found[i].Message)
		}
	}
	return c, found, nil
}
