package referee

import (
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/diag"
	"github.com/holdfast-ha/holdfast/internal/files"
)

// machine is this one but for its interfaces, which are those of the namespace
// in which keepalived is asked.
type machine struct{ files.System }

func (machine) Interface(name string) bool { return slices.Contains(interfaces, name) }

var interfaces = []string{"lo", "e0", "e1"}

// judge asks keepalived about all *.conf of a folder: it leaves FILE.out with
// what it said and FILE.rc with how it ended.
const judge = `set -e
ip link set lo up
ip link add e0 type veth peer name e1
ip addr add 10.9.0.1/24 dev e0
ip link set e0 up
ip link set e1 up
set +e
cd "$1"
for f in *.conf; do timeout 5 "$2" -t -i vm -f "$f" >"$f.out" 2>&1; echo $? >"$f.rc"; done
`

// unknown are the blocks that 2.2.7 does not know: newer ones, and our own.
func unknown(block string) bool {
	return slices.ContainsFunc(conf.Keywords(), func(k conf.Keyword) bool {
		return k.Opens && k.Name == block && (k.Own || k.Since != "")
	})
}

// tried reports whether a keyword is one that both know and judge alike.
func tried(k *conf.Keyword) bool {
	return !k.Own && k.Since == "" && !slices.ContainsFunc(k.In, unknown) && otherwise[strings.Join(append(slices.Clone(k.In), k.Name), " > ")] == ""
}

// otherwise are the keywords whose verdicts differ from keepalived's, and why.
// They are not put into files.
var otherwise = map[string]string{
	"vrrp_script > interval":                                  "milliseconds came after 2.2.7",
	"vrrp_script > timeout":                                   "milliseconds came after 2.2.7",
	"track_file > weight":                                     "the range grew after 2.2.7",
	"vrrp_track_file > weight":                                "the range grew after 2.2.7",
	"track_file > init_file":                                  "the range grew after 2.2.7",
	"vrrp_track_file > init_file":                             "the range grew after 2.2.7",
	"global_defs > config_save_dir":                           "whether there is such a directory is not asked",
	"global_defs > vrrp_rx_bufs_policy":                       "after a number 2.2.7 reads no further",
	"vrrp_instance > use_ipvlan":                              "2.2.7 takes the family of an instance from an address here",
	"vrrp_instance > vrf":                                     "whether an interface is a VRF is not asked",
	"global_defs > default_interface":                         "a name that no interface can have is told even if nothing uses it",
	"virtual_server > real_server > DNS_CHECK > name":         "2.2.7 refuses labels of one letter, and the root",
	"global_defs > script_user":                               "after one that fails keepalived fails all that follow",
	"global_defs > smtp_server":                               "a number is an address to some resolvers",
	"vrrp_script > user":                                      "2.2.7 takes no account by its number",
	"virtual_server > real_server > MISC_CHECK > user":        "2.2.7 takes no account by its number",
	"bfd_instance > source_ip":                                "families are compared when BFD is built",
	"virtual_server > real_server > SMTP_CHECK > bindto":      "2.2.7 compares families in host blocks only",
	"vrrp_script":                                             "what is in a second one of a name is not judged here",
	"net_namespace":                                           "2.2.7 judges nothing more without such a namespace",
	"net_namespace_ipvs":                                      "2.2.7 judges nothing more without such a namespace",
	"global_defs > include_check":                             "2.2.7 does not know its own word readable",
	"virtual_server > real_server > HTTP_GET > http_protocol": "1.0K and 1.1K came after 2.2.7",
	"virtual_server > real_server > SSL_GET > http_protocol":  "1.0K and 1.1K came after 2.2.7",
	"virtual_server > real_server > FILE_CHECK > weight":      "the range grew after 2.2.7",
	"global_defs > vrrp_cpu_affinity":                         "which CPUs there are is not asked",
	"global_defs > checker_cpu_affinity":                      "which CPUs there are is not asked",
	"global_defs > bfd_cpu_affinity":                          "which CPUs there are is not asked",
}

// TestVerdicts makes configurations out of the table's rows and compares
// whether they pass. What keepalived says of a line must have its counterpart
// on that line.
// FILES is a fifth of how many, SEED the first.
func TestVerdicts(t *testing.T) {
	daemon := keepalived(t)
	if os.Getuid() != 0 {
		t.Skip("a network namespace takes root")
	}
	dir := t.TempDir()
	made := map[string]*maker{}
	first := 0
	_, _ = fmt.Sscan(os.Getenv("SEED"), &first)
	for seed := first; seed < first+5*count(); seed++ {
		m := newMaker(seed)
		name := filepath.Join(dir, fmt.Sprintf("%06d.conf", seed))
		made[name] = m
		if err := os.WriteFile(name, []byte(m.text()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "-c", judge, "judge", dir, daemon) // as found
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("no network namespace: %v\n%s", err, out)
	}
	compared, passed := 0, 0
	for name, m := range made {
		if rc, out := outcome(name); slices.Contains(statuses, rc) {
			compared++
			if rc == 0 {
				passed++
			}
			against(t, name, m, rc, out)
		} else {
			t.Logf("%s: keepalived ended with %d\n%s\n%s", name, rc, m.text(), out)
		}
	}
	if compared == 0 || passed == 0 || passed == compared {
		t.Errorf("%d files compared, of which %d passed: that proves nothing", compared, passed)
	}
	t.Logf("%d files, %d pass", compared, passed)
}

// statuses are how a test of a file ends: fine, refused, with interfaces
// missing, or with complaints.
var statuses = []int{0, 2, 4, 5}

func outcome(name string) (rc int, out string) {
	b, _ := os.ReadFile(name + ".rc")
	rc, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		rc = -1
	}
	b, _ = os.ReadFile(name + ".out")
	return rc, string(b)
}

var placed = regexp.MustCompile(`(?m)^\((?:\S+: )?Line (\d+)\)`)

// braces that do not match make the lines after them mean something else.
var braces = regexp.MustCompile(`(?i)unknown keyword '}'|missing '{'|unexpected '{'`)

// about are the lines where what keepalived says of line n may be said here:
// there and, if it is the end of a block, in the block or where one around it
// begins.
func about(lines []string, n int) []int {
	out := []int{n}
	if strings.TrimSpace(lines[n-1]) != "}" {
		return out
	}
	depth := func(n int) int { return len(lines[n-1]) - len(strings.TrimLeft(lines[n-1], " ")) }
	inside := true
	for at, k := depth(n), n-1; k > 0; k-- {
		if d := depth(k); inside || d < at {
			out = append(out, k)
			inside = inside && d > at
			at = min(at, d)
		}
	}
	return out
}

func against(t *testing.T, name string, m *maker, rc int, out string) {
	_, found := conf.Load(files.Disk{}, name, conf.Options{ConfigID: "vm", System: machine{}})
	bad := ""
	if got := found.Count(diag.Error) > 0; got != (rc != 0) {
		bad = fmt.Sprintf("problems: %v, keepalived's exit status: %d", got, rc)
	}
	lines := strings.Split(m.text(), "\n")
	for _, p := range placed.FindAllStringSubmatch(out, -1) {
		n, _ := strconv.Atoi(p[1])
		near := about(lines, n)
		if bad == "" && !braces.MatchString(out) && !slices.ContainsFunc(found, func(d diag.Diagnostic) bool { return slices.Contains(near, d.Span.Line) }) {
			bad = "nothing is said about line " + p[1]
		}
	}
	if bad == "" {
		return
	}
	var ours strings.Builder
	for _, d := range found {
		fmt.Fprintln(&ours, d)
	}
	t.Errorf("%s: %s\n%s\n--- keepalived\n%s\n--- here\n%s", filepath.Base(name), bad, m.text(), out, &ours)
}

// node is a line, with its block.
type node struct {
	line string
	kids []*node
	open bool
}

func (n *node) write(b *strings.Builder, depth int) {
	if depth >= 0 {
		b.WriteString(strings.Repeat("  ", depth) + n.line)
		if n.open {
			b.WriteString(" {")
		}
		b.WriteString("\n")
	}
	for _, k := range n.kids {
		k.write(b, depth+1)
	}
	if n.open && depth >= 0 {
		b.WriteString(strings.Repeat("  ", depth) + "}\n")
	}
}

// maker makes a configuration: blocks that pass, and some lines of any keyword
// with values of any kind.
type maker struct {
	r    *rand.Rand
	root node
}

var table = conf.Keywords()

func newMaker(seed int) *maker {
	m := &maker{r: rand.New(rand.NewSource(int64(seed)))} // a test's
	m.root.open = true
	for _, w := range []string{"global_defs", "vrrp_script", "vrrp_instance", "virtual_server", "vrrp_sync_group", "track_file"} {
		if w == "global_defs" || m.r.Intn(3) == 0 {
			m.within(&m.root, w)
		}
	}
	for range 1 + m.r.Intn(3) {
		k := &table[m.r.Intn(len(table))]
		if !tried(k) {
			continue
		}
		at := &m.root
		for _, w := range k.In {
			at = m.within(at, w)
		}
		at.insert(m.r, m.statement(k))
	}
	return m
}

func (m *maker) text() string {
	var b strings.Builder
	m.root.write(&b, -1)
	return b.String()
}

func (n *node) insert(r *rand.Rand, k *node) {
	n.open = true
	n.kids = slices.Insert(n.kids, r.Intn(len(n.kids)+1), k)
}

// within finds a block, or makes one that passes.
func (m *maker) within(n *node, keyword string) *node {
	for _, k := range n.kids {
		if w, _, _ := strings.Cut(k.line, " "); w == keyword {
			return k
		}
	}
	k := parse(strings.TrimSpace(passing[keyword]))
	if k.line == "" {
		k.line = keyword
	}
	k.open = true
	n.open = true
	n.kids = append(n.kids, k)
	if keyword == "vrrp_sync_group" {
		m.within(&m.root, "vrrp_instance")
		m.root.kids = append(m.root.kids, parse(strings.NewReplacer("e V", "e W", "id 5", "id 6", ".100", ".102").Replace(passing["vrrp_instance"])))
	}
	return k
}

// parse makes a node of "line { line ; line { … } }".
func parse(s string) *node {
	top := &node{}
	stack := []*node{top}
	for _, l := range strings.Split(s, "\n") {
		l = strings.TrimSpace(l)
		at := stack[len(stack)-1]
		switch {
		case l == "":
		case l == "}":
			stack = stack[:len(stack)-1]
		default:
			line, open := strings.CutSuffix(l, " {")
			k := &node{line: line, open: open}
			at.kids = append(at.kids, k)
			if open {
				stack = append(stack, k)
			}
		}
	}
	if len(top.kids) == 0 {
		return top
	}
	return top.kids[0]
}

// passing are blocks that keepalived does not complain about.
var passing = map[string]string{
	"global_defs":          "global_defs {\nscript_user root\nenable_script_security\n}",
	"vrrp_script":          "vrrp_script s {\nscript /bin/true\n}",
	"vrrp_instance":        "vrrp_instance V {\ninterface e0\nvirtual_router_id 5\npriority 100\nvirtual_ipaddress {\n10.9.0.100\n}\n}",
	"vrrp_sync_group":      "vrrp_sync_group G {\ngroup {\nV\nW\n}\n}",
	"track_file":           "track_file f {\nfile /tmp/trk\n}",
	"vrrp_track_file":      "vrrp_track_file f {\nfile /tmp/trk\n}",
	"vrrp_track_process":   "vrrp_track_process p {\nprocess bash\n}",
	"bfd_instance":         "bfd_instance b {\nneighbor_ip 10.9.0.2\n}",
	"virtual_server_group": "virtual_server_group SG {\n10.1.0.9 80\n}",
	"virtual_server":       "virtual_server 10.1.0.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.1.0.2 80 {\nweight 1\n}\n}",
	"real_server":          "real_server 10.1.0.3 80 {\nweight 1\n}",
	"HTTP_GET":             "HTTP_GET {\nurl {\npath /\nstatus_code 200\n}\n}",
	"SSL_GET":              "SSL_GET {\nurl {\npath /\nstatus_code 200\n}\n}",
	"url":                  "url {\npath /x\nstatus_code 200\n}",
	"MISC_CHECK":           "MISC_CHECK {\nmisc_path /bin/true\n}",
	"DNS_CHECK":            "DNS_CHECK {\nname example.org\n}",
	"FILE_CHECK":           "FILE_CHECK {\ntrack_file f\n}",
	"BFD_CHECK":            "BFD_CHECK {\nname b\n}",
	"authentication":       "authentication {\nauth_type PASS\nauth_pass abc\n}",
	"virtual_ipaddress":    "virtual_ipaddress {\n10.9.0.101\n}",
}

// statement is a line of a keyword, with values of all kinds.
func (m *maker) statement(k *conf.Keyword) *node {
	n := &node{line: m.line(k.Name, k)}
	if k.Opens && m.r.Intn(3) != 0 {
		if l, _, _ := strings.Cut(passing[k.Name], " {"); l != "" {
			n.line = l
		}
	}
	if !k.Opens {
		if m.r.Intn(60) == 0 {
			n.open = true
		}
		return n
	}
	n.open = len(k.In) == 0 || k.Lines != nil || m.r.Intn(80) != 0
	if !n.open {
		return n
	}
	if k.Lines != nil {
		for range m.r.Intn(4) {
			n.kids = append(n.kids, &node{line: strings.TrimSpace(m.values(k.Name, k.Lines))})
		}
		return n
	}
	if p := parse(passing[k.Name]); m.r.Intn(3) != 0 {
		n.kids = p.kids
	}
	in := append(slices.Clone(k.In), k.Name)
	var inner []*conf.Keyword
	for i := range table {
		if slices.Equal(table[i].In, in) && tried(&table[i]) {
			inner = append(inner, &table[i])
		}
	}
	for range m.r.Intn(4) {
		if len(inner) > 0 {
			s := inner[m.r.Intn(len(inner))]
			n.insert(m.r, m.statement(s))
		}
	}
	return n
}

func (m *maker) line(name string, k *conf.Keyword) string { return name + m.values(name, k.Args) }
