package cli

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// maxInit is how many bytes all packages of ours may allocate before main. The
// daemon is several processes of this one binary, a reload starts one more, and
// each pays for what packages build when they are initialised, needed or not:
// tables belong into literals, or where they are used first.
const maxInit = 24 << 10

// TestStartIsCheap reads what the runtime tells of this very program, which has
// the same packages in it.
func TestStartIsCheap(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, "-test.run=^$")
	c.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	bytes, packages := 0, 0
	var said []string
	for line := range strings.Lines(string(out)) {
		// init internal/bytealg @0.008 ms, 0 ms clock, 0 bytes, 0 allocs
		f := strings.Fields(line)
		if len(f) != 11 || f[0] != "init" {
			continue
		}
		packages++
		n, err := strconv.Atoi(f[7])
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if strings.HasPrefix(f[1], "github.com/holdfast-ha/") {
			bytes, said = bytes+n, append(said, line)
		}
	}
	if packages < 20 {
		t.Fatalf("the runtime told of %d packages only:\n%s", packages, out)
	}
	if bytes > maxInit {
		t.Errorf("our packages allocate %d bytes before main, %d are allowed:\n%s", bytes, maxInit, strings.Join(said, ""))
	}
}
