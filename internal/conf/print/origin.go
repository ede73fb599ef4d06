package print

import (
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// Origins knows where keywords were written. A nil Origins knows nothing.
type Origins struct {
	root  *place
	named map[conf.Pos]*place // by the place of a block's name or keyword
}

// place is a block as it was written.
type place struct {
	at     map[string]conf.Pos // keywords, the last of each
	blocks map[string][]*place
}

func newPlace() *place { return &place{map[string]conf.Pos{}, map[string][]*place{}} }

// globals is what several global_defs make together.
const globals = "global_defs"

// NewOrigins reads a configuration once more, with what it was loaded with.
func NewOrigins(files source.Files, name string, opts conf.Options) *Origins {
	r := conf.NewReader(files, name, opts, func(diag.Diagnostic) {})
	o := &Origins{root: newPlace(), named: map[conf.Pos]*place{}}
	for {
		n, ok := r.Next()
		if !ok {
			return o
		}
		o.read(r, o.root, n)
	}
}

func (o *Origins) read(r *syntax.Reader, in *place, n *syntax.Node) {
	pos := func(w syntax.Word) conf.Pos {
		return conf.Pos{File: r.File(w.At), Line: int(w.At.Line), Col: int(w.At.Col)}
	}
	word := canonical(n.Words[0].Text)
	in.at[word] = pos(n.Words[0])
	if !n.Opened {
		return
	}
	p := newPlace()
	if word == globals && len(in.blocks[word]) > 0 {
		p = in.blocks[word][0]
	} else {
		in.blocks[word] = append(in.blocks[word], p)
	}
	for _, w := range n.Words[:min(len(n.Words), 2)] {
		o.named[pos(w)] = p
	}
	for i := range n.Block {
		o.read(r, p, &n.Block[i])
	}
}

// synonym is the keyword that says the same, empty: there is none.
func synonym(word string) string {
	switch word {
	case "lvs_sched":
		return "lb_algo"
	case "lvs_process_name":
		return "checker_process_name"
	case "lvs_flush_onstop":
		return "lvs_flush_on_stop"
	case "nb_get_retry":
		return "retry"
	case "preempt":
		return "nopreempt"
	}
	return ""
}

func canonical(word string) string {
	if s := synonym(word); s != "" {
		return s
	}
	if strings.HasPrefix(word, "neighbour") {
		return "neighbor" + strings.TrimPrefix(word, "neighbour")
	}
	return word
}

// find is where a block was written: by its place, or else the nth of its
// keyword in the block around.
func (o *Origins) find(in *place, b *Block, nth int) *place {
	if o == nil {
		return nil
	}
	if p := o.named[b.Pos]; p != nil && b.Pos.Line > 0 {
		return p
	}
	if in == nil || nth >= len(in.blocks[b.Keyword]) {
		return nil
	}
	return in.blocks[b.Keyword][nth]
}

func (o *Origins) keyword(in *place, word string) (conf.Pos, bool) {
	if o == nil || in == nil {
		return conf.Pos{}, false
	}
	p, ok := in.at[word]
	if !ok && word == "lb_kind" {
		p, ok = in.at["lvs_method"]
	}
	return p, ok
}

// global looks into global_defs, if in is the root.
func (o *Origins) global(in *place, word string) (conf.Pos, bool) {
	if o == nil || in == nil || in != o.root || len(in.blocks[globals]) == 0 {
		return conf.Pos{}, false
	}
	p, ok := in.blocks[globals][0].at[word]
	return p, ok
}
