package schema

import (
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// maxSuggest is the longest word for which a nearest keyword is sought.
const maxSuggest = 40

// maxAsked is for how many words of a file one is sought: a file of nothing
// but unknown words should be told so soon.
const maxAsked = 1000

// unknown reports a keyword that the block does not have.
func (w *Walker[T]) unknown(b *Block[T], n *syntax.Node) {
	word := n.Words[0]
	where := ""
	if b.Name != "" {
		where = " in " + b.Name
	}
	near, home := "", ""
	if w.asked++; w.asked <= maxAsked {
		near = b.nearest(word.Text)
		if near == "" || distance(near, word.Text) > 1 {
			home = w.home(word.Text)
		}
	}
	if home != "" {
		s := "it belongs into " + home
		switch r := w.renamed(b, word.Text); {
		case r != "":
			s = "here it is " + r
		case near != "" && strings.HasSuffix(near, "_"+word.Text):
			s = "here it is " + near
		}
		w.Fault("HF014", diag.Error, word, "no keyword "+strconv.Quote(word.Text)+where+endsToo(b, n), "", s)
		return
	}
	s := ""
	switch {
	case word.Text == "nat_mask":
		s = "keepalived has not had it for long, leave it out"
	case near != "":
		s = "did you mean " + near + "?"
	case slices.Contains(conflict, word.Text):
		s = "a merge conflict was left in the file"
	}
	w.Fault("HF010", diag.Error, word, "unknown keyword "+strconv.Quote(word.Text)+where+endsToo(b, n), "", s)
}

// conflict are the marks that version control leaves where two changes meet.
var conflict = []string{"<<<<<<<", "=======", ">>>>>>>", "|||||||"}

// maxHomes is how many blocks are named for a keyword in the wrong place.
const maxHomes = 3

// home names the blocks in which a keyword is known, empty if there are none;
// the one that was closed just above is most likely meant.
func (w *Walker[T]) home(word string) string {
	if b := w.ended; b != nil && b.Find(word) != nil {
		return b.Name + ", which ended above"
	}
	var found []string
	w.Root.Each(func(b *Block[T], r *Row[T]) {
		name := b.Name
		if name == "" {
			name = "the file's root"
		}
		if r.Name == word && !slices.Contains(found, name) {
			found = append(found, name)
		}
	})
	if len(found) > maxHomes {
		found = append(found[:maxHomes], "…")
	}
	return strings.Join(found, " or ")
}

// renamed is the keyword of b that took the place of an old one, which other
// blocks still have; empty if there is none.
func (w *Walker[T]) renamed(b *Block[T], word string) (to string) {
	w.Root.Each(func(_ *Block[T], r *Row[T]) {
		if r.Name == word && r.Deprecated != "" && b.Find(r.Deprecated) != nil {
			to = r.Deprecated
		}
	})
	return to
}

// nearest is the keyword of b closest to word, empty if none is close.
func (b *Block[T]) nearest(word string) string {
	best, d := "", len(word)/3+1
	if len(word) < 3 || len(word) > maxSuggest {
		return ""
	}
	for r := range b.Rows() {
		name := r.Name
		if strings.HasSuffix(name, "_"+word) && len(word) > 4 {
			return name
		}
		if n := distance(name, word); n < d {
			best, d = name, n
		}
	}
	return best
}

// nearest suggests one of an Enum's words.
func (a *Arg) nearest(word string) string {
	if a.Kind != Enum || len(word) > maxSuggest {
		return ""
	}
	for _, w := range a.Words {
		if strings.EqualFold(w, word) || len(word) > 2 && distance(w, word) == 1 {
			return "did you mean " + w + "?"
		}
	}
	return ""
}

// distance is how many letters must be changed, added, dropped or swapped with
// their neighbour to make b of a (optimal string alignment); capitals do not count.
func distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b) // may grow, if it is no UTF-8
	if len(a) > maxSuggest || len(b) > maxSuggest {
		return maxSuggest
	}
	var rows [3][maxSuggest + 1]int
	older, old, row := &rows[0], &rows[1], &rows[2]
	for j := 0; j <= len(b); j++ {
		old[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(old[j]+1, row[j-1]+1, old[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		older, old, row = old, row, older
	}
	return old[len(b)]
}

// Nearest is the name closest to word, empty if none is close.
func Nearest(word string, names []string) string {
	best, d := "", len(word)/3+1
	for _, name := range names {
		if n := distance(name, word); n < d {
			best, d = name, n
		}
	}
	return best
}
