package uml_test

import (
	"net"
	"os"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// hold is a real server that keeps its connections.
func hold(t *testing.T, address string) (taken chan net.Conn) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	taken = make(chan net.Conn, 64)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			taken <- c // checks among them, which end by themselves
		}
	}()
	return taken
}

// expiry is the kernel's switch that on_down expire sets.
func expiry() string {
	b, _ := os.ReadFile("/proc/sys/net/ipv4/vs/expire_nodest_conn")
	return strings.TrimSpace(string(b))
}

// TestGuestPoolsFailWell: a server that is drained by command keeps its
// connections and goes with the last one, weights by command, tiers, and the
// kernel's switches.
func TestGuestPoolsFailWell(t *testing.T) {
	binary := os.Getenv(labtest.BinaryEnv)
	if binary == referee {
		t.Skip("it knows nothing of this")
	}
	w := newWorld(t)
	w.run("ip", "addr", "replace", "10.1.0.1/32", "dev", "lo")
	w.serve("127.0.0.11:8080", "127.0.0.13:8080")
	taken := hold(t, "127.0.0.12:8080")
	w.configure(virtual("10.1.0.1 80", nat, "\n    drain 600\n    on_down expire",
		real("127.0.0.11 8080"), real("127.0.0.12 8080", "weight 5"), real("127.0.0.13 8080", "tier 1")))
	const (
		web = "-A -t 10.1.0.1:80 -s wlc"
		is  = "-a -t 10.1.0.1:80 -r 127.0.0."
	)
	say := func(words ...string) {
		t.Helper()
		w.run(strings.Fields(binary)[0], append([]string{"server"}, words...)...)
	}
	before := expiry()
	w.start()
	w.sees(web, is+"11:8080 -m -w 1", is+"12:8080 -m -w 5")
	if expiry() != "1" {
		t.Errorf("expire_nodest_conn is %s", expiry())
	}

	var open []net.Conn
	for range 6 { // the weights say that most go to the one that holds them
		c, err := net.DialTimeout("tcp", "10.1.0.1:80", labtest.Patience)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	say("drain", "10.1.0.1", "127.0.0.12")
	w.sees(web, is+"11:8080 -m -w 1", is+"12:8080 -m -w 0")
	if got := w.fetch("10.1.0.1:80"); got != "127.0.0.11:8080" {
		t.Errorf("answer of %q", got)
	}
	w.says("Draining service [127.0.0.12]:tcp:8080 of VS [10.1.0.1]:tcp:80 for 10m0s at most")
	for _, c := range open {
		_ = c.Close()
	}
	for len(taken) > 0 {
		_ = (<-taken).Close()
	}
	w.sees(web, is+"11:8080 -m -w 1")
	w.says("Service [127.0.0.12]:tcp:8080 of VS [10.1.0.1]:tcp:80 has drained: it has no connections any more")

	say("weight", "10.1.0.1:80", "127.0.0.11", "9")
	w.sees(web, is+"11:8080 -m -w 9")
	w.fail("127.0.0.11:8080")
	w.sees(web, is+"13:8080 -m -w 1")
	say("clear")
	w.sees(web, is+"12:8080 -m -w 5")
	w.stop()
	w.sees()
	if expiry() != before {
		t.Errorf("expire_nodest_conn was %s and is %s", before, expiry())
	}
}
