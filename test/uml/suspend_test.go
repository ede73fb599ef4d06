package uml_test

import "testing"

// TestGuestHASuspend: without its address here, a virtual server's checks stand
// still and what they said holds; with it they go on [ha_suspend]. keepalived
// is held to the same.
func TestGuestHASuspend(t *testing.T) {
	w := newWorld(t)
	const vip = "10.1.0.5/32"
	w.run("ip", "addr", "replace", vip, "dev", "lo")
	t.Cleanup(func() { w.run("ip", "addr", "flush", "to", vip, "dev", "lo") })
	w.serve("127.0.0.11:8080", "127.0.0.12:8080")
	w.configure(virtual("10.1.0.5 80", nat, "\n    ha_suspend", real("127.0.0.11 8080")) +
		virtual("10.1.0.6 80", nat, real("127.0.0.11 8080"), real("127.0.0.12 8080")))
	const (
		held   = "-A -t 10.1.0.5:80 -s wlc"
		held11 = "-a -t 10.1.0.5:80 -r 127.0.0.11:8080 -m -w 1"
		free   = "-A -t 10.1.0.6:80 -s wlc"
		free11 = "-a -t 10.1.0.6:80 -r 127.0.0.11:8080 -m -w 1"
		free12 = "-a -t 10.1.0.6:80 -r 127.0.0.12:8080 -m -w 1"
	)
	w.start()
	w.sees(held, held11, free, free11, free12)
	w.run("ip", "addr", "del", vip, "dev", "lo")
	w.says("Suspending healthchecker")
	w.fail("127.0.0.11:8080")
	w.sees(held, held11, free, free12) // the other service shows that time enough has passed
	w.run("ip", "addr", "add", vip, "dev", "lo")
	w.sees(held, free, free12)
	w.stop()
	w.sees()
}
