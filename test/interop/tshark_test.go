package interop_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

const hmacKey = "hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

const hmacBlock = "auth_hmac {\n        key 1 " + hmacKey + "\n    }"

// dissected is one way to speak, with what tshark should make of it.
type dissected struct {
	name   string
	conf   Instance
	six    bool
	counts bool // tshark takes the trailer into the checksum, which does not cover it over IPv4
}

// dissections are all versions, families, authentications and ways to send; the
// number of each is its virtual router, on one link.
func dissections() []dissected {
	uni4 := unicast("192.0.2.11", "192.0.2.12")
	uni6 := unicast("2001:db8::11", "2001:db8::12")
	all := []dissected{
		{name: "v2", conf: Instance{Version: 2}},
		{name: "v2 PASS", conf: Instance{Version: 2, Extra: auth}},
		{name: "v2 AH", conf: Instance{Version: 2, Extra: ah}},
		{name: "v2 HMAC", conf: Instance{Version: 2, Extra: hmacBlock}, counts: true},
		{name: "v3", conf: Instance{}},
		{name: "v3 HMAC", conf: Instance{Extra: hmacBlock}, counts: true},
		{name: "IPv6", six: true},
		{name: "IPv6 HMAC", conf: Instance{Extra: hmacBlock}, six: true},
		{name: "v2 unicast", conf: Instance{Version: 2, Extra: uni4}},
		{name: "v2 unicast PASS", conf: Instance{Version: 2, Extra: auth + "\n    " + uni4}},
		{name: "v2 unicast AH", conf: Instance{Version: 2, Extra: ah + "\n    " + uni4}},
		{name: "v3 unicast", conf: Instance{Extra: uni4}},
		{name: "v3 unicast HMAC", conf: Instance{Extra: hmacBlock + "\n    " + uni4}, counts: true},
		{name: "IPv6 unicast", conf: Instance{Extra: uni6}, six: true},
		{name: "IPv6 unicast HMAC", conf: Instance{Extra: hmacBlock + "\n    " + uni6}, six: true},
		{name: "v3 at 10 ms", conf: Instance{Advert: "0.01"}},
	}
	for i := range all {
		c := &all[i].conf
		c.Name, c.VRID, c.Priority = fmt.Sprint("VI_", i+1), i+1, 200
		c.Addresses = []string{fmt.Sprintf("192.0.2.%d/24", 100+i), fmt.Sprintf("192.0.2.%d/24", 200+i)}
		if all[i].six {
			c.Addresses = []string{fmt.Sprintf("fe80::1:%x/64", i), fmt.Sprintf("2001:db8::1:%x/64", i)}
		}
	}
	// The same number for both families, on one link.
	last := all[4]
	last.name, last.six, last.conf.Name = "IPv6 of the same number", true, "VI_6"
	last.conf.Name, last.conf.Addresses = "VI_same", []string{"fe80::2:1/64"}
	return append(all, last)
}

// tsharkFields are what the test looks at, a column each.
var tsharkFields = []string{
	"frame.protocols", "vrrp.virt_rtr_id", "vrrp.version", "vrrp.addr_count", "vrrp.checksum.status", "ip.checksum.status",
	"_ws.expert.severity", "_ws.expert.message", "icmpv6.type", "icmpv6.checksum.status", "arp.isgratuitous", "ipv6.src",
}

// A second pair of eyes on all that is sent: Wireshark finds nothing wrong.
func TestWiresharkHasNoComplaint(t *testing.T) {
	tshark := Program(t, "tshark")
	l := New(t)
	Node(t, l, "holdfast", "192.0.2.11/24", "2001:db8::11/64")
	watcher := Node(t, l, "watcher", "192.0.2.12/24", "2001:db8::12/64")
	file := l.Path("sent.pcap")
	capture, err := watcher.Start(tshark, "-q", "-i", "eth0", "-w", file)
	Must(t, err)
	Wait(t, "tshark captures", func() bool {
		b, _ := os.ReadFile(capture.Log)
		return strings.Contains(string(b), "Capturing on")
	})
	var conf strings.Builder
	conf.WriteString("global_defs {\n    vrrp_garp_master_delay 1\n}\n")
	all := dissections()
	for _, d := range all {
		conf.WriteString(d.conf.String())
	}
	h := Start(t, l.Get("holdfast"), Holdfast(), conf.String())
	for _, d := range all {
		WaitLog(t, h, "("+d.conf.Name+") Entering MASTER STATE", 1)
	}
	Wait(t, "everybody has sent some adverts", func() bool {
		for _, d := range all {
			if i := h.Instance(d.conf.Name); i == nil || i.Counters["advert_sent"] < 3 {
				return false
			}
		}
		return true
	})
	Must(t, h.Stop())
	Must(t, capture.Signal(syscall.SIGINT))
	_, err = capture.Wait(20 * time.Second)
	Must(t, err)
	seen := judge(t, dissect(t, l.Get("watcher").Run, tshark, file), all)
	for _, d := range all {
		if seen[key(d.conf.VRID, d.six)] == 0 {
			t.Errorf("%s: nothing was seen", d.name)
		}
	}
	for _, kind := range []string{"arp", "na"} {
		if seen[kind] == 0 {
			t.Errorf("no %s was seen", kind)
		}
	}
}

func key(vrid int, six bool) string { return fmt.Sprint(vrid, six) }

// dissect has tshark look at a file and returns its columns, a packet a row.
func dissect(t *testing.T, run func(string, ...string) (string, error), tshark, file string) (rows []map[string]string) {
	t.Helper()
	args := []string{"-n", "-r", file, "-T", "fields", "-E", "occurrence=a", "-o", "ip.check_checksum:TRUE"}
	for _, f := range tsharkFields {
		args = append(args, "-e", f)
	}
	out, err := run(tshark, args...)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for line := range strings.Lines(out) {
		row := map[string]string{}
		for i, v := range strings.Split(strings.TrimRight(line, "\n"), "\t") {
			if i < len(tsharkFields) {
				row[tsharkFields[i]] = v
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// judge fails for each complaint about a packet of ours, and counts them.
func judge(t *testing.T, rows []map[string]string, all []dissected) map[string]int {
	t.Helper()
	seen := map[string]int{}
	for _, r := range rows {
		switch protocols := r["frame.protocols"]; {
		case strings.Contains(protocols, ":icmp:"): // the watcher has no VRRP, and quotes what came
		case strings.Contains(protocols, ":vrrp"):
			vrid, _ := strconv.Atoi(r["vrrp.virt_rtr_id"])
			six := strings.Contains(protocols, ":ipv6")
			k := key(vrid, six)
			seen[k]++
			counts := false
			for _, d := range all {
				counts = counts || d.counts && k == key(d.conf.VRID, d.six)
			}
			good := r["vrrp.checksum.status"] == "1" && r["_ws.expert.severity"] == ""
			if !good && !(counts && strings.Contains(r["_ws.expert.message"], "checksum") && !strings.Contains(r["_ws.expert.message"], ",")) {
				t.Errorf("an advert: %v", r)
			}
			if !six && r["ip.checksum.status"] != "1" {
				t.Errorf("its IP header: %v", r)
			}
		case strings.Contains(protocols, ":arp") && r["arp.isgratuitous"] != "" && r["arp.isgratuitous"] != "0" && r["arp.isgratuitous"] != "False":
			seen["arp"]++
			if r["_ws.expert.severity"] != "" {
				t.Errorf("an ARP: %v", r)
			}
		case r["icmpv6.type"] == "136":
			seen["na"]++
			if r["icmpv6.checksum.status"] != "1" || r["_ws.expert.severity"] != "" {
				t.Errorf("a neighbour advertisement: %v", r)
			}
		}
	}
	return seen
}
