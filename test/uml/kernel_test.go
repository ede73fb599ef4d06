// Package uml_test holds the ipvs director, and the whole daemon with it,
// against a real IPVS: that of a User Mode Linux kernel, which runs on the
// host's own files and takes no root. A guest runs ordinary Go tests; what they
// came to is shown here as subtests.
package uml_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

// atOnce lets every guest begin; needs says which.
const atOnce = "6"

// TestMain leaves the guest's tests to the guest.
func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv(guestEnv) == "" {
		if skip := flag.Lookup("test.skip").Value; skip.String() == "" {
			_ = skip.Set("^TestGuest")
		}
		if !slices.ContainsFunc(os.Args, func(a string) bool { return strings.HasPrefix(a, "-test.parallel") }) {
			_ = flag.Set("test.parallel", atOnce)
		}
	}
	os.Exit(m.Run())
}

// TestKernel runs the director's own tests that need a kernel.
func TestKernel(t *testing.T) {
	needs(t, "ipvsadm")
	binary := compile(t, "github.com/holdfast-ha/holdfast/internal/director/ipvs")
	report(t, boot(t, binary+" -test.v -test.run ^TestKernel"))
}
