package uml_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// dataEnv tells the guest where testdata is.
const dataEnv = "HOLDFAST_UML_DATA"

// TestTraffic sends connections through virtual servers in a guest.
func TestTraffic(t *testing.T) { guests(t, "-test.run '^TestGuest(Traffic|Path)'", "iptables-legacy") }

// TestDaemon runs the whole daemon in a guest; what it does there is in
// guest_test.go. labtest.BinaryEnv puts another daemon in its place.
func TestDaemon(t *testing.T) {
	guests(t, "-test.run ^TestGuest -test.skip '^TestGuest(Cases|Traffic|Path)'")
}

// TestCases compares tables with keepalived's, many in one guest.
func TestCases(t *testing.T) { guests(t, "-test.run ^TestGuestCases") }

func guests(t *testing.T, which string, programs ...string) {
	t.Helper()
	needs(t, append(programs, "ipvsadm")...)
	command := os.Getenv(labtest.BinaryEnv)
	if strings.TrimSpace(command) == "" {
		command = goTool(t, "build", "-o", filepath.Join(t.TempDir(), "holdfast"), "github.com/holdfast-ha/holdfast/cmd/holdfast")
	}
	self := compile(t, "github.com/holdfast-ha/holdfast/test/uml")
	data, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	report(t, boot(t, labtest.BinaryEnv+"='"+command+"' "+dataEnv+"='"+data+"' "+self+" -test.v "+which))
}
