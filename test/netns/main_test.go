// Package netns_test runs the daemon in networks of namespaces and looks at it
// from outside: addresses in the kernel, packets, scripts, answers to clients.
package netns_test

import (
	"os"
	"strings"
	"testing"

	_ "github.com/holdfast-ha/holdfast/internal/cli" // the daemon: see labtest.Main
	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// What keepalived writes, and operators search for.
const (
	enteringMaster = "Entering MASTER STATE"
	enteringBackup = "Entering BACKUP STATE"
	enteringFault  = "Entering FAULT STATE"
)

// pair starts two routers on one segment, a with the higher priority. a holds the
// virtual address before b is there, so b has no reason ever to have been master.
func pair(t *testing.T) (l *lab.Lab, a, b *lab.Daemon) {
	t.Helper()
	l = New(t)
	a = Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(Instance{Priority: 150}))
	WaitMaster(t, Virtual, a)
	b = Start(t, Node(t, l, "b", "192.0.2.12/24"), Holdfast(), config(Instance{Priority: 100}))
	WaitLog(t, b, "(VI_1) "+enteringBackup, 1)
	return l, a, b
}

// config is a whole file: instances and other blocks.
func config(blocks ...any) string {
	text := "global_defs {\n    router_id test\n}\n\n"
	for _, b := range blocks {
		switch b := b.(type) {
		case Instance:
			text += b.String()
		case string:
			text += strings.TrimSpace(b) + "\n"
		}
	}
	return text
}
