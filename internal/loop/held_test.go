package loop

import (
	"slices"
	"testing"
)

// book writes down what it is asked, and what is done meanwhile.
type book struct {
	open bool
	said []string
	all  []string
}

func (b *book) Hold() { b.open = true }

func (b *book) Release() bool {
	b.open = false
	told := len(b.said) > 0
	b.all, b.said = append(b.all, b.said...), nil
	return told
}

// What one says in a turn is heard before the next does something.
func TestWhatIsSaidIsHeardBetween(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var b book
	l.Holds(&b)
	say := func(what string) {
		if !b.open {
			t.Errorf("%s: nothing is held", what)
		}
		b.said = append(b.said, what)
	}
	l.Post(func() {
		say("a")
		l.Post(func() {
			say("b")
			l.Stop()
		})
	})
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if b.open || len(b.said) > 0 || !slices.Equal(b.all, []string{"a", "b"}) {
		t.Errorf("heard %v, not heard %v", b.all, b.said)
	}
}
