package file

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/probe"
	"github.com/holdfast-ha/holdfast/internal/probe/probetest"
)

// What strtol(3) with base 0, and so keepalived, makes of it.
func TestNumbers(t *testing.T) {
	for text, want := range map[string]int32{
		"": 0, "abc": 0, "-": 0, "0": 0, "4 x\n": 4, " 6\n": 6, "\n\n7": 7, "0x7": 7, "0xg": 0, "0x": 0, "010": 8, "08": 0,
		"-5": -5, "+5": 5, "-0x10": -16, "2147483647": math.MaxInt32, "-2147483648": math.MinInt32, "1_000": 1, "1.9": 1,
	} {
		if n, ok := number([]byte(text)); !ok || n != want {
			t.Errorf("%q: %d, %v, want %d", text, n, ok, want)
		}
	}
	for _, text := range []string{"2147483648", "-2147483649", "99999999999999999999", "0xffffffff"} {
		if n, ok := number([]byte(text)); ok {
			t.Errorf("%q: %d", text, n)
		}
	}
}

func TestMeaning(t *testing.T) {
	for _, c := range []struct {
		weight  int
		reverse bool
		n       int32
		ok      bool
		want    int
	}{
		{1, false, 2, true, 7}, {3, false, 2, true, 11}, {3, false, -1, true, 2}, {3, false, -100, true, -295},
		{2, true, 2, true, 1}, {1, false, math.MaxInt32, true, 5 + math.MaxInt32}, {math.MaxInt32, false, 3, true, 5 + math.MaxInt32},
		{3, false, -1_000_000_000, false, 0}, {1, false, math.MinInt32, false, 0}, {math.MaxInt32, true, 3, false, 0},
	} {
		r := (&Config{Name: "F", Weight: c.weight, Reverse: c.reverse, Base: 5}).judge(c.n)
		if r.OK != c.ok || r.OK && (!r.WeightSet || r.Weight != c.want) || !r.OK && (r.Detail == "" || r.WeightSet) {
			t.Errorf("%+v: %+v", c, r)
		}
	}
	for _, reverse := range []bool{false, true} {
		for _, n := range []int32{0, 1, -1} {
			r := (&Config{Name: "F", Reverse: reverse, Base: 5}).judge(n)
			if r.OK != ((n == 0) != reverse) || r.WeightSet {
				t.Errorf("%d, reverse %v: %+v", n, reverse, r)
			}
		}
	}
}

func TestFiles(t *testing.T) {
	defer probetest.NoLeaks(t)()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("four", "4\n")
	write("empty", "")
	write("long", "3 "+string(bytes.Repeat([]byte("9"), 1<<20)))
	write("large", "99999999999")
	if err := os.Symlink(at("four"), at("link")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(at("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"four": 9, "link": 9, "empty": 5, "long": 8, "absent": 5} {
		r := New(Config{Name: "F", Path: at(name), Weight: 1, Base: 5}).Probe(context.Background())
		if !r.OK || r.Weight != want {
			t.Errorf("%s: %+v, want %d", name, r, want)
		}
	}
	// What cannot be read changes nothing.
	for _, name := range []string{"fifo", ".", "large", "four/below"} {
		r := New(Config{Name: "F", Path: at(name), Weight: 1, Base: 5}).Probe(context.Background())
		if r.OK || r.Reason != probe.Exhausted || r.Detail == "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestInit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, s := range []struct {
		value     int
		overwrite bool
		want      string
	}{{3, false, "3\n"}, {4, false, "3\n"}, {5, true, "5\n"}} {
		if err := Init(path, s.value, s.overwrite); err != nil {
			t.Error(err)
		}
		if b, _ := os.ReadFile(path); string(b) != s.want {
			t.Errorf("%+v: %q", s, b)
		}
	}
	for _, path := range []string{t.TempDir(), filepath.Join(path, "below"), filepath.Join(t.TempDir(), "no", "folder")} {
		if Init(path, 1, true) == nil {
			t.Errorf("%s is written", path)
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"1", "-0x10", " 08", "+", "99999999999"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, ok := number(b); ok && n != 0 && !bytes.ContainsAny(b, "123456789abcdefABCDEF") {
			t.Errorf("%q: %d", b, n)
		}
	})
}
