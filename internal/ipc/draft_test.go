package ipc

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/conf/source"
)

// What is copied into a draft comes back as it is, from the draft's own pages,
// and stays so when more is added and the draft is sealed.
func TestDraft(t *testing.T) {
	d, err := NewDraft("test")
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{"", strings.Repeat("large ", 20000), "small", strings.Repeat("x", 4096)}
	whole := "head"
	if err := d.Write([]byte("head")); err != nil {
		t.Fatal(err)
	}
	var got [][]byte
	for _, s := range texts {
		b, _, err := d.Copy(strings.NewReader(s), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, whole = append(got, b), whole+s
	}
	fault := errors.New("broken")
	if b, _, err := d.Copy(io.MultiReader(strings.NewReader("half a file"), iotest.ErrReader(fault)), []byte("half")); b != nil || !errors.Is(err, fault) {
		t.Errorf("a reader that fails: %q, %v", b, err)
	}
	f, err := d.Seal()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd, err := unix.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := Map(fd)
	if err != nil || string(sealed) != whole {
		t.Errorf("the file has %d bytes (%v), want %d", len(sealed), err, len(whole))
	}
	for i, s := range texts {
		if !bytes.Equal(got[i], []byte(s)) {
			t.Errorf("piece %d changed", i)
		}
	}
}

// What a file has in common with another text is told when it is copied, as
// comparing the two would have it.
func TestDraftTellsWhatIsAlike(t *testing.T) {
	d, err := NewDraft("test")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	long := strings.Repeat("0123456789abcde", 3*handful/15)
	for i, x := range [][2]string{
		{"", ""}, {"a", ""}, {"", "a"}, {long, long}, {long, long + "x"}, {long + "x", long}, {"x" + long, long}, {long, "x" + long},
		{long + "x" + long, long + "yy" + long}, {long + long, long}, {long[:handful], long[:handful]}, {long[:handful], long[:handful] + long},
		{"x" + long[:handful], "y" + long[:handful]}, {long, strings.ToUpper(long)},
	} {
		for name, r := range map[string]io.Reader{"at once": strings.NewReader(x[0]), "in pieces": iotest.HalfReader(strings.NewReader(x[0]))} {
			data, alike, err := d.Copy(r, []byte(x[1]))
			if want := source.Compare(x[0], x[1]); err != nil || string(data) != x[0] || alike != want {
				t.Errorf("text %d %s: %d bytes alike at %v, %v; want %v", i, name, len(data), alike, err, want)
			}
		}
	}
}
