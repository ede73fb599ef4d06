package files

import (
	"os"
	"path/filepath"
	"testing"
)

// What the administrator wrote counts before what came with iproute2.
func TestNamesOfIPRoute2(t *testing.T) {
	etc, usr := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{
		etc + "/rt_tables":               "# reserved\n0x64\tblue # a comment\nnonsense red\n7 twice\n",
		etc + "/rt_tables.d/a.conf":      "200 green\n",
		etc + "/rt_tables.d/README":      "201 grey\n",
		usr + "/rt_tables":               "8 twice\n9 usual\n",
		usr + "/rt_tables.d/vendor.conf": "10 vendor\n",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]uint32{"blue": 100, "green": 200, "twice": 7, "usual": 9, "vendor": 10} {
		if n, known := (System{}).Number([2]string{etc, usr}, "rt_tables", name); !known || n != want {
			t.Errorf("%s is %d (%t), want %d", name, n, known, want)
		}
	}
	for _, name := range []string{"red", "grey", "a", "comment", ""} {
		if n, known := (System{}).Number([2]string{etc, usr}, "rt_tables", name); known {
			t.Errorf("%q is %d, but nobody says so", name, n)
		}
	}
}
