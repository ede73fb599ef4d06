package uml_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// TestLinks runs in a guest what test/interop has for links that many kernels
// lack: ipvlans and VRFs.
func TestLinks(t *testing.T) {
	needs(t, "keepalived")
	command := os.Getenv(labtest.BinaryEnv)
	if strings.TrimSpace(command) == "" {
		command = goTool(t, "build", "-o", filepath.Join(t.TempDir(), "holdfast"), "github.com/holdfast-ha/holdfast/cmd/holdfast")
	}
	self := compile(t, "github.com/holdfast-ha/holdfast/test/interop")
	report(t, boot(t, labtest.BinaryEnv+"='"+command+"' "+self+" -test.v -test.run '^(TestIPVLAN|TestIPVLANIPv6|TestVRF)$'"))
}
