package files

import (
	"fmt"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// Child is the machine as a child sees it that reads a configuration which was
// judged already: the answers are those that the reader had, so that all leave
// out the same scripts, but every interface is there. One that is not may come
// back, and the kernel's mirror says when.
type Child struct{ *conf.Facts }

// NewChild takes the facts that a snapshot carries (source.Set's Facts). What
// they do not tell is asked of this machine.
func NewChild(facts []byte) (Child, error) {
	c := Child{conf.NewFacts(judged{})}
	if err := c.Recall(facts); err != nil {
		return c, fmt.Errorf("read the facts of the snapshot: %w", err)
	}
	return c, nil
}

// Interface is always true.
func (Child) Interface(string) bool { return true }

// judged is System for a child, which asks no name server.
type judged struct{ System }

// Resolves is always true.
func (judged) Resolves(string) bool { return true }

func (judged) Taken(string) bool { return false }
