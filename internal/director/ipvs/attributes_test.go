package ipvs

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"
)

func FuzzAttributes(f *testing.F) {
	b := batch{}
	b.attr32(svcFWMark, 7)
	b.text(svcScheduler, "rr")
	f.Add(b.buf)
	f.Add([]byte{3, 0, 1, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		seen := 0
		for a := over(data); a.Next(); {
			seen += attrLen + len(a.Bytes())
			_, _, _, _ = a.Uint8(), a.Uint16(), a.Uint32(), a.String()
			if a.Type()&^attrTypeLow != 0 {
				t.Errorf("type %x", a.Type())
			}
		}
		if seen > len(data) {
			t.Errorf("%d bytes of %d", seen, len(data))
		}
		_, _ = parseService(data)
		_, _ = parseDest(data, 4)
	})
}

func TestAttributesThatAreTooShortOrTooLong(t *testing.T) {
	for name, raw := range map[string][]byte{
		"longer than the message": {8, 0, 1, 0, 1},
		"shorter than itself":     {3, 0, 1, 0},
		"a rest":                  {4, 0, 1, 0, 9},
		"a number of 3 bytes":     {7, 0, 1, 0, 1, 2, 3, 0},
	} {
		a := over(raw)
		for a.Next() {
			_ = a.Uint32()
		}
		if a.err == nil {
			t.Errorf("%s went unnoticed", name)
		}
	}
}

// An audit of ten thousand servers leaves next to no garbage.
func TestReadingAServerMakesNothing(t *testing.T) {
	var b batch
	nested := func(typ uint16, fill func()) []byte {
		b.reset()
		end := b.nest(typ)
		fill()
		end()
		return bytes.Clone(b.buf)
	}
	dest := nested(attrDest, func() {
		b.attr16(destFamily, unix.AF_INET)
		b.attr(destAddr, make([]byte, 16))
		b.attr32(destWeight, 7)
		end := b.nest(destStats64)
		b.attr(statConns, make([]byte, 8))
		end()
	})
	service := nested(attrService, func() {
		b.attr16(svcAF, unix.AF_INET)
		b.attr(svcAddr, make([]byte, 16))
		b.attr(svcScheduler, []byte("wrr\x00"))
	})
	if d, err := parseDest(dest, 4); err != nil || d.server.Weight != 7 {
		t.Fatalf("%+v, %v", d, err)
	}
	if s, err := parseService(service); err != nil || s.svc.Scheduler != "wrr" {
		t.Fatalf("%+v, %v", s, err)
	}
	for name, read := range map[string]func(){
		"a server":  func() { _, _ = parseDest(dest, 4) },
		"a service": func() { _, _ = parseService(service) },
	} {
		if n := testing.AllocsPerRun(100, read); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
