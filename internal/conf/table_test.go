package conf

import (
	_ "embed"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
)

//go:embed testdata/keywords.tsv
var keywords string

func TestEveryKeywordIsARow(t *testing.T) {
	blocks := map[string]*block{"(root)": root}
	var add func(b *block)
	add = func(b *block) {
		for i := range b.Rows {
			if sub := b.Rows[i].Block; sub != nil {
				name := b.Rows[i].Name
				if b != root {
					for n, o := range blocks {
						if o == b {
							name = n + " > " + b.Rows[i].Name
						}
					}
				}
				blocks[name] = sub
				add(sub)
			}
		}
	}
	add(root)
	n := 0
	for _, line := range strings.Split(strings.TrimSpace(keywords), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		n++
		in, word, _ := strings.Cut(line, "\t")
		b := blocks[in]
		if b == nil && strings.Contains(in, "SSL_GET > url") {
			b = urlBlock
		}
		switch {
		case b == nil:
			t.Errorf("no block %q", in)
		case b.Find(word) == nil:
			t.Errorf("%s has no row %s", in, word)
		}
	}
	if n < 500 {
		t.Errorf("the list has %d keywords only", n)
	}
}

func TestRowsAreDocumented(t *testing.T) {
	root.Each(func(b *block, r *row) {
		if r.Doc == "" || !strings.HasSuffix(r.Doc, ".") {
			t.Errorf("%s %s: %q is no sentence", b.Name, r.Name, r.Doc)
		}
		for i, a := range r.Args {
			if (a.Kind == schema.Number || a.Kind == schema.Seconds) && a.Min >= a.Max {
				t.Errorf("%s %s: value %d has no range", b.Name, r.Name, i)
			}
			if a.Optional && i+1 < len(r.Args) && !r.Args[i+1].Optional {
				t.Errorf("%s %s: a needed value follows an optional one", b.Name, r.Name)
			}
		}
	})
}
