package conf

import (
	_ "embed"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

//go:embed testdata/probes.tsv
var probes string

// probeValues are what each keyword was given; the first is nothing at all.
var probeValues = []string{"", " 0", " 1", " -1", " 300", " 99999999999", " abc", " 1.5", " on", " maybe", " eth0", " 10.0.0.1", " 10.0.0.0/8", " 2001:db8::1",
	" /bin/true", ` "/bin/true a b"`, " /no/such/file", " 1 2 3", " a b", " {\n}", " 1 {\n}", " abc {\n}"}

const (
	probeGlobal   = "global_defs {\n script_user root\n enable_script_security\n%s\n}\n"
	probeInstance = "vrrp_instance VI_1 {\n state BACKUP\n interface eth0\n virtual_router_id 5\n priority 100\n advert_int 1\n virtual_ipaddress {\n 10.9.0.100\n }\n%s\n}\n"
	probeServer   = "virtual_server 10.1.0.1 80 {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n%s\n real_server 10.1.0.2 80 {\n weight 1\n%S\n }\n}\n"
)

func put(form string, s ...string) string {
	for i, mark := range []string{"%s", "%S"} {
		v := ""
		if i < len(s) {
			v = s[i]
		}
		form = strings.Replace(form, mark, v, 1)
	}
	return form
}

// probeText puts a line into its block, with what the block needs around it.
func probeText(block, line string) string {
	g, i := put(probeGlobal), probeInstance
	track := func(kind, name string) string { return put(i, " "+kind+" {\n "+name+"\n }") }
	b := strings.Split(block, " > ")
	switch b[0] {
	case "(root)":
		return g + line
	case "global_defs":
		return put(probeGlobal, line)
	case "vrrp_instance":
		switch {
		case len(b) == 1:
			return g + put(i, line)
		case b[1] == "authentication":
			return g + put(i, " authentication {\n auth_type PASS\n auth_pass abc\n "+line+"\n }")
		}
		return g + put(i, " "+b[1]+" {\n "+line+"\n }")
	case "vrrp_sync_group":
		second := strings.NewReplacer("VI_1", "VI_2", "_id 5", "_id 6", "0.100", "0.101").Replace(put(i))
		return g + put(i) + second + "vrrp_sync_group G {\n group {\n VI_1\n VI_2\n }\n" + line + "\n}\n"
	case "vrrp_script":
		return g + "vrrp_script S {\n script /bin/true\n" + line + "\n}\n" + track("track_script", "S")
	case "vrrp_track_process":
		return g + "vrrp_track_process P {\n process bash\n" + line + "\n}\n" + track("track_process", "P")
	case "track_file", "vrrp_track_file":
		return g + b[0] + " F {\n file /tmp/trk\n" + line + "\n}\n" + track("track_file", "F")
	case "garp_group":
		return g + "garp_group {\n" + line + "\n}\n" + put(i)
	case "track_group":
		return g + put(i) + "track_group TG {\n" + line + "\n}\n"
	case "SSL":
		return g + put(probeServer, "", "SSL_GET {\n url {\n path /\n status_code 200\n }\n }") + "SSL {\n" + line + "\n}\n"
	case "bfd_instance":
		return g + "bfd_instance B {\n neighbor_ip 10.9.0.2\n" + line + "\n}\n"
	}
	return g + probeChecker(b, line)
}

func probeChecker(b []string, line string) string {
	switch len(b) {
	case 1:
		return put(probeServer, line)
	case 2:
		return put(probeServer, "", line)
	}
	before, inside := "", ""
	switch b[2] {
	case "HTTP_GET", "SSL_GET":
		inside = " url {\n path /\n status_code 200\n%s\n }\n"
	case "MISC_CHECK":
		inside = " misc_path /bin/true\n"
	case "DNS_CHECK":
		inside = " name example.org\n"
	case "FILE_CHECK":
		before, inside = "track_file F {\n file /tmp/trk\n}\n", " track_file F\n"
	}
	if len(b) == 3 {
		return before + put(probeServer, "", b[2]+" {\n"+put(inside)+line+"\n}")
	}
	if b[3] == "host" {
		inside = " host {\n%s\n }\n"
	}
	return put(probeServer, "", b[2]+" {\n"+put(inside, line)+"\n}")
}

// verdict is what a list means to a configuration test.
func verdict(l diag.List) byte {
	switch {
	case l.Count(diag.Fatal) > 0:
		return 'F'
	case l.Count(diag.Error) > 0:
		return 'x'
	}
	return '.'
}

// otherwise are the keywords whose verdicts differ from keepalived's, and why.
var otherwise = map[string]string{
	"(root) net_namespace":                           "2.2.7 passes over the brace without a word",
	"global_defs smtp_server":                        "0 and 300 are addresses to a resolver of another kind than the test's",
	"global_defs vrrp_cpu_affinity":                  "which CPUs there are is not asked",
	"global_defs checker_cpu_affinity":               "which CPUs there are is not asked",
	"global_defs bfd_cpu_affinity":                   "which CPUs there are is not asked",
	"global_defs config_save_dir":                    "whether there is such a directory is not asked",
	"vrrp_instance use_vmac":                         "2.2.7 takes an IPv6 address for a name",
	"vrrp_instance vrf":                              "whether an interface is a VRF is not asked",
	"vrrp_script interval":                           "milliseconds came after 2.2.7",
	"vrrp_script timeout":                            "milliseconds came after 2.2.7",
	"virtual_server persistence_granularity":         "2.2.7 takes 1.5 for 1.0.0.5",
	"virtual_server > real_server > DNS_CHECK name":  "2.2.7 refuses labels of one letter, and the root",
	"virtual_server > real_server > BFD_CHECK alpha": "the probe's BFD_CHECK lacks its name",
	"bfd_instance source_ip":                         "families are compared when BFD is built",
	"track_file weight":                              "the range grew after 2.2.7",
	"vrrp_track_file weight":                         "the range grew after 2.2.7",
	"track_file init_file":                           "the range grew after 2.2.7",
	"vrrp_track_file init_file":                      "the range grew after 2.2.7",
}

func TestVerdictsAreKeepalived(t *testing.T) {
	total, same := 0, 0
	for _, line := range strings.Split(strings.TrimSpace(probes), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		var got strings.Builder
		bad := ""
		for i, v := range probeValues {
			text := probeText(f[0], f[1]+v)
			_, found := load(t, text)
			g := verdict(found)
			total++
			// A refusal of keepalived's test and a complaint are both a file
			// that does not pass.
			if w := f[2][i]; (g == '.') == (w == '.') {
				same++
			} else if bad == "" {
				bad = f[1] + v + ": " + ids(found, diag.Notice)
			}
			got.WriteByte(g)
		}
		if bad != "" && otherwise[f[0]+" "+f[1]] == "" {
			t.Errorf("%s %s\n  keepalived %s\n  here       %s\n  %s", f[0], f[1], f[2], got.String(), bad)
		}
	}
	t.Logf("%d of %d verdicts are the same", same, total)
}
