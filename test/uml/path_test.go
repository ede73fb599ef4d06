package uml_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// TestGuestPath: a check that goes to the virtual address by direct routing or
// through a tunnel sees what one of the server's own address cannot.
func TestGuestPath(t *testing.T) {
	daemon := strings.Fields(os.Getenv(BinaryEnv))
	if daemon[0] == referee {
		t.Skip("it knows nothing of this")
	}
	const vipDirect6 = "2001:db8:2::100"
	l, err := lab.New(lab.Options{})
	Must(t, err)
	t.Cleanup(func() { Must(t, l.Close()) })
	client := NodeWith(t, l, "client", lab.Port{LAN: "front", Name: "eth0", Addresses: []string{"192.0.2.50/24"}})
	director := NodeWith(t, l, "director", lab.Port{LAN: "front", Name: "eth0",
		Addresses: []string{"192.0.2.1/24", "2001:db8:2::1/64", vipDirect + "/32", vipTunnel + "/32", vipDirect6 + "/128"}})
	modprobe, err := os.ReadFile("/proc/sys/kernel/modprobe")
	Must(t, err)
	command(t, director, strings.TrimSpace(string(modprobe)), "ipip") // gives every node its tunl0
	backends := servers(t, l)
	nodes := make([]*lab.Node, len(backends))
	for i, b := range backends {
		nodes[i] = b.Node()
		Must(t, nodes[i].AddAddress("lo", vipDirect6+"/128"))
	}
	direct, tunnel := Web{Client: client, To: vipDirect + ":80"}, Web{Client: client, To: vipTunnel + ":80"}
	// hears is the switch without which the kernel drops what comes from a
	// virtual address that it has itself.
	hears := func() string {
		return strings.TrimSpace(command(t, director, "sysctl", "-n", "net.ipv4.conf.all.accept_local"))
	}

	byPath := strings.NewReplacer("connect_timeout 5", "connect_timeout 1\n            check_path vip")
	d := Start(t, director, daemon, byPath.Replace(
		balanced(vipDirect+" 80", "DR", serverAddress)+balanced(vipTunnel+" 80", "TUN", serverAddress)+balanced(vipDirect6+" 80", "DR", serverAddress6)))
	// in reports whether a server is in a service, by a line of ipvsadm.
	in := func(service, server string) bool {
		return strings.Contains(command(t, director, "ipvsadm", "-Sn"), "-a -t "+service+":80 -r "+server+":80 ")
	}
	direct.Answers(t, "s1", "s2", "s3")
	tunnel.Answers(t, "s1", "s2", "s3")
	if got := hears(); got != "1" {
		t.Errorf("accept_local is %s", got)
	}

	// Its own address answers as before, of each of them.
	Must(t, nodes[0].DelAddress("lo", vipDirect+"/32"))
	Wait(t, "s1 is out of direct routing", func() bool { return !in(vipDirect, serverAddress(0)) })
	Must(t, nodes[1].SetLink("tunl0", false))
	Wait(t, "s2 is out of the tunnels", func() bool { return !in(vipTunnel, serverAddress(1)) })
	command(t, nodes[2], "ip", "-6", "addr", "del", vipDirect6+"/128", "dev", "lo")
	Wait(t, "s3 is out of IPv6", func() bool { return !in("["+vipDirect6+"]", "["+serverAddress6(2)+"]") })
	direct.Answers(t, "s2", "s3")
	tunnel.Answers(t, "s1", "s3")
	for i, service := range []string{vipDirect6, vipDirect6, vipDirect} {
		address := serverAddress6(i)
		if i == 2 {
			address = serverAddress(i)
		} else {
			service, address = "["+service+"]", "["+address+"]"
		}
		if !in(service, address) {
			t.Errorf("%s is not in %s", address, service)
		}
	}
	Must(t, nodes[0].AddAddress("lo", vipDirect+"/32"))
	Must(t, nodes[1].SetLink("tunl0", true))
	Must(t, nodes[2].AddAddress("lo", vipDirect6+"/128"))
	direct.Answers(t, "s1", "s2", "s3")
	tunnel.Answers(t, "s1", "s2", "s3")
	Wait(t, "s3 is back in IPv6", func() bool { return in("["+vipDirect6+"]", "["+serverAddress6(2)+"]") })

	// A checker that is killed leaves the switch and its services to the next
	// one, which puts the switch back as it was before either.
	old := d.ChildPID("check")
	Must(t, syscall.Kill(old, syscall.SIGKILL))
	Wait(t, "another checker", func() bool { pid := d.ChildPID("check"); return pid > 0 && pid != old })
	Must(t, nodes[0].DelAddress("lo", vipDirect+"/32"))
	Wait(t, "s1 is out of direct routing, for the other checker too", func() bool { return !in(vipDirect, serverAddress(0)) })
	if got := hears(); got != "1" {
		t.Errorf("accept_local is %s with another checker", got)
	}
	Must(t, nodes[0].AddAddress("lo", vipDirect+"/32"))
	direct.Answers(t, "s1", "s2", "s3")

	Must(t, d.Stop())
	if left := command(t, director, "ipvsadm", "-Sn"); left != "" {
		t.Errorf("left after the stop:\n%s", left)
	}
	if got := hears(); got != "0" {
		t.Errorf("accept_local is %s after the stop", got)
	}
}
