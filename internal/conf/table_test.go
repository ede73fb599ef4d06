package conf

import (
	_ "embed"
	"slices"
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
		for r := range b.Rows() {
			if sub := r.Block; sub != nil {
				name := r.Name
				if b != root {
					for n, o := range blocks {
						if o == b {
							name = n + " > " + r.Name
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

// TestRows holds each to one of To and Set, and each keyword of a block to one row.
func TestRows(t *testing.T) {
	seen := map[*block]map[string]bool{}
	root.Each(func(b *block, r *row) {
		if seen[b] == nil {
			seen[b] = map[string]bool{}
			for r := range b.Rows() {
				if seen[b][r.Name] {
					t.Errorf("%s has two rows %s", b.Name, r.Name)
				}
				seen[b][r.Name] = true
			}
		}
		if r.To != nil && r.Set != nil {
			t.Errorf("%s %s: To and Set", b.Name, r.Name)
		}
		if r.Block != nil && (r.Block.Line != nil) == (r.Block.Parts != nil) {
			t.Errorf("%s %s: its block has lines and keywords, or neither", b.Name, r.Name)
		}
	})
}

// TestMiscConnectsNot: what the other checkers say of their connections is known
// to MISC_CHECK, and refused.
func TestMiscConnectsNot(t *testing.T) {
	var want, got []string
	for _, r := range connectRows {
		want = append(want, r.Name)
	}
	for _, r := range miscConnect {
		got = append(got, r.Name)
	}
	if !slices.Equal(want, got) {
		t.Errorf("refused are %q, connectRows has %q", got, want)
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
