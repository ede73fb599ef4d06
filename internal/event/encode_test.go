package event

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

var samples = []Record{
	{},
	{When: clock.Reading{Mono: 1, Boot: 2, Wall: 3}, Level: slog.LevelWarn, Part: "check", Object: "[10.0.0.1]:tcp:80", What: "down: timeout", Kind: "server", Cause: "timeout"},
	{When: clock.Reading{Mono: -1, Boot: 1 << 62, Wall: -1 << 63}, Level: slog.LevelDebug, What: strings.Repeat("\x00\xff", 1000)},
}

func TestRecordsThereAndBack(t *testing.T) {
	var b []byte
	for i := range samples {
		b = Append(b, &samples[i])
	}
	rest := b
	for i, want := range samples {
		var got Record
		var ok bool
		if got, rest, ok = Parse(rest); !ok || got != want {
			t.Errorf("%d: %+v, want %+v", i, got, want)
		}
	}
	if len(rest) != 0 {
		t.Errorf("%d bytes left", len(rest))
	}
}

// What is no record hides none that is whole.
func TestNoRecord(t *testing.T) {
	good := Append(nil, &samples[1])
	for name, bad := range map[string][]byte{
		"empty":     {0, 0, 0, 0},
		"cut short": {0, 0, 0, 5, 0, 0, 0, 0, 1},
		"too long":  append([]byte{0, 0, 0, 10}, make([]byte, 10)...),
		"long text": {0, 0, 0, 6, 0, 0, 0, 0, 0xff, 0x7f},
		"no varint": {0, 0, 0, 11, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255},
	} {
		var j Journal
		j.AddEncoded(append(append(append([]byte{}, good...), bad...), good...))
		if got := j.Records(); len(got) != 2 || got[0] != samples[1] || got[1] != samples[1] {
			t.Errorf("%s: %+v", name, got)
		}
		for n := range len(bad) {
			if _, _, ok := Parse(bad[:n]); ok {
				t.Errorf("%s: %d bytes are a record", name, n)
			}
		}
	}
	for n := range len(good) {
		var j Journal
		if j.AddEncoded(append(append([]byte{}, good...), good[:n]...)); len(j.Records()) != 1 {
			t.Errorf("%d records, and %d bytes of one", len(j.Records()), n)
		}
	}
}

func FuzzParse(f *testing.F) {
	for i := range samples {
		f.Add(Append(nil, &samples[i]))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var j Journal
		j.AddEncoded(b)
		j.Records()
		r, rest, ok := Parse(b)
		if !ok {
			return
		}
		again, left, ok := Parse(Append(nil, &r))
		if !ok || again != r || len(left) != 0 || len(rest) >= len(b) {
			t.Fatalf("%+v became %+v", r, again)
		}
	})
}
