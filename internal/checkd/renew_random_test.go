package checkd

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/ipc"
)

// farmer makes texts of virtual servers, as people and programs write them, and
// others of them.
type farmer struct{ *rand.Rand }

func (r farmer) one(of ...string) string { return of[r.IntN(len(of))] }

// address is what a virtual server is known by; some are the same in other words.
func (r farmer) address() string {
	if r.IntN(60) == 0 {
		return r.one("fwmark 1", "fwmark 2", "group g", "group h", "fe80::1 80", "fe80:0::1 80", `"10.1.0.1" 80`, "10.1.0.1 080", "::ffff:10.1.0.1 80", "10.1.0.1", "10.1.0.1 http", "10.1.0.1 +80")
	}
	return fmt.Sprintf("10.1.0.%d 80", 1+r.IntN(30))
}

// end is what lies between two words or two statements.
func (r farmer) end() string {
	if r.IntN(120) > 0 {
		return "\n"
	}
	return r.one(" ", "\t", "\n\n", " # x\n", " ! }\n", "\r\n", "\n  ", "\n# {\n", "\n! virtual_server 10.1.0.1 80 {\n")
}

func (r farmer) server() string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+r.end(), args...) }
	say("%s %s {", r.one(strings.Fields(strings.Repeat("virtual_server ", 30)+` "virtual_server"`)...), r.address())
	say(" delay_loop %d", 1+r.IntN(3))
	say(" lb_algo %s", r.one("rr", "wrr"))
	say(" lb_kind NAT")
	say(" protocol %s", r.one("TCP", "TCP", "TCP", "UDP"))
	for i := range 1 + r.IntN(3) {
		say(" real_server 10.0.0.%d 80 {", r.IntN(40)/(i+1))
		say(" weight %d", r.IntN(4))
		if r.IntN(60) == 0 {
			say("%s", r.one("on_down expire", "notify_up /bin/true", "inhibit_on_failure", "x y", "include b.conf", "virtualhost $A", "weight x"))
		}
		say(" TCP_CHECK {")
		say(" }")
		say("}")
	}
	say("}")
	return b.String()
}

// other is what is no virtual server.
func (r farmer) other() string {
	return r.one("vrrp_script s {\n script /bin/true\n}", "x", "virtual_server_group g {\n 10.1.0.8 80\n}", "virtual_server_group h {\n 10.1.0.9-10 80\n fwmark 2\n}",
		"garp_group {\n}", "# y", "$A=1", "@me x", "~SEQ(a,2) x", "}", "{", `"`, "global_defs {\n checker_log_all_failures\n}") + r.end()
}

// edit makes another text of blocks.
func (r farmer) edit(blocks []string) []string {
	blocks = slices.Clone(blocks)
	for range 1 + r.IntN(3) {
		i, j := r.IntN(len(blocks)), r.IntN(len(blocks))
		switch r.IntN(10) {
		case 0, 1, 2, 3:
			blocks[i] = strings.Replace(blocks[i], "weight ", "weight 1", 1)
		case 4:
			blocks[i] = r.server()
		case 5:
			blocks[i], blocks[j] = blocks[j], blocks[i]
		case 6:
			blocks[i] = blocks[j]
		case 7: // a line goes on, or is cut
			at := r.IntN(len(blocks[i]) + 1)
			blocks[i] = blocks[i][:at] + r.end() + blocks[i][at:]
		case 8:
			if at := strings.LastIndexByte(blocks[i], '\n'); at >= 0 {
				blocks[i] = blocks[i][:at] + r.one(" ", "", " # z\n", " x\n") + blocks[i][at+1:]
			}
		default:
			blocks[i] = r.other()
		}
		if blocks[i] == "" {
			blocks[i] = "\n"
		}
	}
	return blocks
}

// What a reload reads makes no difference to the plan, whatever is on a line and
// whoever has the same address. Each plan is made of the one before.
func TestRenewedPlansAtRandom(t *testing.T) {
	boot := &ipc.BootInfo{ConfigFile: filepath.Join(t.TempDir(), "k.conf")}
	r := farmer{rand.New(rand.NewPCG(1, 2))}
	const rounds = 150
	renewed := 0
	for range rounds {
		blocks := []string{"global_defs {\n router_id r\n}\n"}
		for range 2 + r.IntN(8) {
			blocks = append(blocks, r.server())
		}
		if r.IntN(4) == 0 {
			blocks = append(blocks, r.other())
		}
		var p *plan
		for before := ""; ; {
			text := strings.Join(blocks, "")
			snapshot := inMemory(snapshotOf(t, boot.ConfigFile, text))
			whole, err := read(snapshot, boot, nil)
			if err != nil {
				break // it would not run
			}
			got, err := read(snapshot, boot, p)
			if err != nil {
				t.Fatalf("%q\nthen %q: %v", before, text, err)
			}
			if got.before != nil {
				renewed++
			}
			got.complete()
			if !reflect.DeepEqual(got.pools, whole.pools) || !reflect.DeepEqual(got.byID, whole.byID) || !reflect.DeepEqual(got.services, whole.services) {
				t.Fatalf("before\n%s\nafter\n%s\nthe plan differs from that of the whole text", before, text)
			}
			if p, before = got, text; r.IntN(4) == 0 {
				break
			}
			blocks = r.edit(blocks)
		}
	}
	if renewed < rounds/8 {
		t.Errorf("of %d texts %d were renewed", rounds, renewed)
	}
}
