package conf

import "github.com/holdfast-ha/holdfast/internal/conf/schema"

// Keyword is a keyword of one block, for whoever lists or tries them all.
type Keyword struct {
	In    []string // the keywords of the blocks around it, outermost first
	Name  string
	Args  []schema.Arg
	Since string // the keepalived version that brought it; empty: 2.2.7 or before
	Own   bool   // holdfast's own
	Opens bool   // it has a block
	// Lines are the values of the block's lines, where those have no keywords.
	Lines []schema.Arg
}

// Keywords are all keywords of the table, each before those of its block.
func Keywords() []Keyword { return keywordsOf(root, nil, nil) }

func keywordsOf(b *block, in []string, out []Keyword) []Keyword {
	for r := range b.Rows() {
		k := Keyword{In: in, Name: r.Name, Args: r.Args, Since: r.Since, Own: r.Own, Opens: r.Block != nil}
		if r.Block != nil {
			k.Lines = r.Block.LineArgs
		}
		out = append(out, k)
		if r.Block != nil {
			out = keywordsOf(r.Block, append(in[:len(in):len(in)], r.Name), out)
		}
	}
	return out
}
