package ipc

import (
	"fmt"
	"os"
)

// maxName is the longest name that a process may have, in bytes (TASK_COMM_LEN
// of linux/sched.h, without its end).
const maxName = 15

// NameProcess sets the name that ps and pgrep show of this process, cut off where
// it is too long; empty leaves it.
func NameProcess(name string) {
	if name == "" {
		return
	}
	_ = os.WriteFile(fmt.Sprintf("/proc/self/task/%d/comm", os.Getpid()), []byte(name[:min(len(name), maxName)]), 0) // cosmetic
}
