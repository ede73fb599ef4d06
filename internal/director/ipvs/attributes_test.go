package ipvs

import "testing"

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
