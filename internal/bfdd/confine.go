package bfdd

import (
	"log/slog"

	"golang.org/x/sys/unix"

	"github.com/holdfast-ha/holdfast/internal/proc"
)

// kept are the capabilities that a reload may need: for priorities, and to lock
// memory.
const kept = 1<<unix.CAP_SYS_NICE | 1<<unix.CAP_IPC_LOCK

// confine gives up all other capabilities: what comes from the network is parsed
// by a process that may do nothing else. The user stays, so that the pid file
// can be removed.
func (d *daemon) confine() {
	if err := proc.Confine(kept); err != nil {
		d.say(slog.LevelWarn, kindProcess, "", "", err.Error())
	}
}
