package source

import (
	"errors"
	"slices"
	"testing"
)

type fake map[string]string

func (f fake) Read(name string) ([]byte, error) {
	if t, ok := f[name]; ok {
		return []byte(t), nil
	}
	return nil, errors.New("open " + name + ": no such file")
}

func (f fake) Glob(string) ([]string, error) {
	var names []string
	for n := range f {
		names = append(names, n)
	}
	slices.Sort(names)
	return names, nil
}

func TestReplayGivesTheSameAnswers(t *testing.T) {
	r := NewRecorder(fake{"/a": "one", "/b": ""})
	for _, n := range []string{"/a", "/b", "/missing"} {
		_, _ = r.Read(n)
	}
	_, _ = r.Glob("/*")
	s, err := Unmarshal(r.Set().Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if !s.Equal(r.Set()) {
		t.Error("it is not the same set")
	}
	if b, err := s.Read("/a"); err != nil || string(b) != "one" {
		t.Errorf("/a: %q, %v", b, err)
	}
	if b, err := s.Read("/b"); err != nil || len(b) != 0 {
		t.Errorf("/b: %q, %v", b, err)
	}
	if _, err := s.Read("/missing"); err == nil || err.Error() != "open /missing: no such file" {
		t.Errorf("the error was not kept: %v", err)
	}
	if n, err := s.Glob("/*"); err != nil || !slices.Equal(n, []string{"/a", "/b"}) {
		t.Errorf("glob: %q, %v", n, err)
	}
	if _, err := s.Read("/never asked"); !errors.Is(err, ErrNotInSet) {
		t.Errorf("never asked: %v", err)
	}
	if n := s.Names(); !slices.Equal(n, []string{"/a", "/b"}) {
		t.Errorf("names: %q", n)
	}
}

func TestRecorderReadsAFileOnce(t *testing.T) {
	f := fake{"/a": "one"}
	r := NewRecorder(f)
	_, _ = r.Read("/a")
	f["/a"] = "two"
	if b, _ := r.Read("/a"); string(b) != "one" {
		t.Errorf("second reading gave %q", b)
	}
}

func TestSetsDiffer(t *testing.T) {
	set := func(f fake, ask ...string) *Set {
		r := NewRecorder(f)
		for _, n := range ask {
			_, _ = r.Read(n)
		}
		_, _ = r.Glob("/*")
		return r.Set()
	}
	a := set(fake{"/a": "one", "/b": ""}, "/a", "/b")
	for i, o := range []*Set{
		set(fake{"/a": "two", "/b": ""}, "/a", "/b"), set(fake{"/a": "one", "/b": ""}, "/b", "/a"),
		set(fake{"/a": "one", "/b": ""}, "/a"), set(fake{"/a": "one", "/b": "", "/c": ""}, "/a", "/b"), set(fake{"/a": "one"}, "/a", "/b"),
	} {
		if a.Equal(o) || o.Equal(a) {
			t.Errorf("set %d is the same", i)
		}
	}
}

func TestUnmarshalRefusesDamage(t *testing.T) {
	r := NewRecorder(fake{"/a": "one"})
	_, _ = r.Read("/a")
	good := r.Set().Marshal()
	for n := range good {
		if _, err := Unmarshal(good[:n]); err == nil {
			t.Errorf("the first %d of %d bytes were accepted", n, len(good))
		}
	}
	if _, err := Unmarshal(append(good, 0)); err == nil {
		t.Error("bytes after the end were accepted")
	}
}

func FuzzUnmarshal(f *testing.F) {
	r := NewRecorder(fake{"/a": "one"})
	_, _ = r.Read("/a")
	_, _ = r.Glob("/*")
	f.Add(r.Set().Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := Unmarshal(b); err == nil {
			if _, err := Unmarshal(s.Marshal()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestPlaceAndApart(t *testing.T) {
	r := NewRecorder(fake{"a": "first", "b": "second"})
	_, _ = r.Read("a")
	_, _ = r.Read("b")
	_, _ = r.Read("c")
	b := r.Set().Marshal()
	s, err := Unmarshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if at, n, ok := s.Place("b"); !ok || string(b[at:at+n]) != "second" {
		t.Errorf("b is at %d, %d bytes, %v", at, n, ok)
	}
	if _, _, ok := s.Place("c"); ok {
		t.Error("what cannot be read has a place")
	}
	o := s.Apart(map[string][]byte{"a": []byte("other")})
	for i := range b {
		b[i] = 0
	}
	for name, want := range map[string]string{"a": "other", "b": "second"} {
		if got, err := o.Read(name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := o.Read("c"); err == nil {
		t.Error("an error is forgotten")
	}
}
