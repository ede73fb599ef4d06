package netns_test

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// postgres makes an empty cluster and returns the program that serves it; both
// refuse to run as root.
func postgres(t *testing.T) (command []string) {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	owner, err := user.Lookup("postgres")
	if len(found) == 0 || err != nil {
		t.Skip("there is no PostgreSQL (apt install postgresql)")
	}
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)
	dir, err := os.MkdirTemp("/tmp", "holdfast-postgres-") // the lab's folder is root's alone
	Must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	Must(t, os.Chown(dir, uid, gid))
	data := filepath.Join(dir, "data")
	cmd := exec.Command(found[0], "--no-sync", "-A", "trust", "-D", data)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	return []string{Program(t, "setpriv"), "--reuid=postgres", "--regid=postgres", "--clear-groups",
		filepath.Join(filepath.Dir(found[0]), "postgres"), "-D", data, "-c", "listen_addresses=192.0.2.21", "-c", "unix_socket_directories=" + dir, "-c", "fsync=off"}
}

// Debian's PostgreSQL, by the script that is ready, comes and dies; a script
// for another service is not content with it.
func TestPostgreSQL(t *testing.T) {
	l := New(t)
	command := postgres(t)
	s := Node(t, l, "s1", "192.0.2.21/24")
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config("global_defs {\n    lvs_director none\n}",
		checked(5432, "TCP", brief("EXPECT_CHECK", "service postgresql")),
		checked(1432, "TCP", brief("EXPECT_CHECK", "connect_port 5432\n            service mysql"))))
	WaitLog(t, a, "EXPECT_CHECK on service [192.0.2.21]:tcp:5432 failed: connection refused", 1)
	p, err := s.Start(command[0], command[1:]...)
	Must(t, err)
	WaitLog(t, a, "Adding service [192.0.2.21]:tcp:5432 to VS [192.0.2.100]:tcp:5432: EXPECT_CHECK succeeded", 1)
	WaitLog(t, a, "EXPECT_CHECK on service [192.0.2.21]:tcp:1432 failed: step 1: ", 1)
	p.KillTree()
	WaitLog(t, a, "Removing service [192.0.2.21]:tcp:5432 from VS [192.0.2.100]:tcp:5432: EXPECT_CHECK connection refused (2 of 2 tries)", 1)
}
