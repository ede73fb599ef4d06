package netns_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/lab"
	. "github.com/holdfast-ha/holdfast/internal/lab/labtest"
)

// virtualServer writes a virtual_server at address and port over servers
// 192.0.2.21.. with the checker in each.
func virtualServer(at, more, checker string, servers int) string {
	text := fmt.Sprintf("virtual_server %s {\n    delay_loop 1\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n    %s\n", at, more)
	for i := range servers {
		text += fmt.Sprintf("    real_server 192.0.2.%d 80 {\n        weight 1\n        %s\n    }\n", 21+i, checker)
	}
	return text + "}\n"
}

const httpGet = `HTTP_GET {
            url {
                path /
                status_code 200
            }
            connect_timeout 1
            retry 1
            delay_before_retry 1
        }`

const proxy = "global_defs {\n    lvs_director proxy\n}"

// nginx starts Debian's nginx on a node; it serves a page with the node's name
// from the returned file.
func nginx(t *testing.T, l *lab.Lab, n *lab.Node) (p *lab.Process, page string) {
	t.Helper()
	dir := l.Path(n.Name())
	Must(t, os.MkdirAll(filepath.Join(dir, "html"), 0o755))
	page = filepath.Join(dir, "html", "index.html")
	Must(t, os.WriteFile(page, []byte(n.Name()+"\n"), 0o644))
	conf := filepath.Join(dir, "nginx.conf")
	Must(t, os.WriteFile(conf, []byte(fmt.Sprintf(`daemon off;
user root root;
worker_processes 1;
error_log stderr warn;
pid %[1]s/nginx.pid;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
    server { listen 80; root %[1]s/html; }
}
`, dir)), 0o644))
	p, err := n.Start(Program(t, "nginx"), "-c", conf, "-e", "stderr")
	Must(t, err)
	Wait(t, "nginx answers on "+n.Name(), func() bool {
		got, err := n.Get(t.Context(), "127.0.0.1:80")
		return err == nil && got == n.Name()
	})
	return p, page
}

// One server loses its page, the other its process; when both are gone the
// sorry server answers, and then they come back.
func TestNginxBehindTheProxy(t *testing.T) {
	Program(t, "nginx")
	l := New(t)
	s1 := Node(t, l, "s1", "192.0.2.21/24")
	s2 := Node(t, l, "s2", "192.0.2.22/24")
	_, page := nginx(t, l, s1)
	server2, _ := nginx(t, l, s2)
	_, err := Node(t, l, "sorry", "192.0.2.29/24").Backend(":80")
	Must(t, err)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(proxy, Instance{Priority: 100},
		virtualServer(Virtual+" 80", "sorry_server 192.0.2.29 80", httpGet, 2)))
	w := Web{Client: Node(t, l, "client", "192.0.2.50/24"), To: Virtual + ":80"}

	w.Answers(t, "s1", "s2")
	Must(t, os.Remove(page))
	w.Answers(t, "s2")
	WaitLog(t, a, "Removing service [192.0.2.21]:tcp:80 from VS [192.0.2.100]:tcp:80", 1)
	server2.KillTree()
	w.Answers(t, "sorry")
	Must(t, os.WriteFile(page, []byte("s1\n"), 0o644))
	w.Answers(t, "s1")
	WaitLog(t, a, "Adding service [192.0.2.21]:tcp:80 to VS [192.0.2.100]:tcp:80", 1)
	nginx(t, l, s2)
	w.Answers(t, "s1", "s2")
}

// services starts n back ends 192.0.2.21.. and a client.
func services(t *testing.T, l *lab.Lab, n int) (Web, []*lab.Backend) {
	t.Helper()
	var list []*lab.Backend
	for i := range n {
		node := Node(t, l, fmt.Sprintf("s%d", i+1), fmt.Sprintf("192.0.2.%d/24", 21+i))
		b, err := node.Backend(":80")
		Must(t, err)
		list = append(list, b)
	}
	return Web{Client: Node(t, l, "client", "192.0.2.50/24"), To: Virtual + ":80"}, list
}

func TestCheckersOfAllKinds(t *testing.T) {
	for name, c := range map[string]struct {
		checker string
		fault   lab.Fault
	}{
		"TCP_CHECK":  {"TCP_CHECK {\n            connect_timeout 1\n            retry 0\n        }", lab.Refuse},
		"HTTP_GET":   {httpGet, lab.Broken},
		"MISC_CHECK": {"MISC_CHECK {\n            misc_path \"/usr/bin/test -e WELL\"\n            user root\n        }", ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := New(t)
			w, servers := services(t, l, 2)
			well := l.Path("well")
			Must(t, os.WriteFile(well, nil, 0o644))
			checker := strings.ReplaceAll(c.checker, "WELL", well)
			a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(proxy, Instance{Priority: 100},
				virtualServer(Virtual+" 80", "", checker, 2)))
			w.Answers(t, "s1", "s2")
			down, up := func() { Must(t, servers[0].Fail(c.fault)) }, func() { Must(t, servers[0].Fail(lab.Healthy)) }
			left := "s2"
			if c.fault == "" { // the script is the same for both: both go
				down, up = func() { Must(t, os.Remove(well)) }, func() { Must(t, os.WriteFile(well, nil, 0o644)) }
				left = "connection refused"
			}
			down()
			WaitLog(t, a, "Removing service [192.0.2.21]:tcp:80 from VS", 1)
			if left == "s2" {
				w.Answers(t, left)
			} else {
				WaitLog(t, a, "Removing service [192.0.2.22]:tcp:80 from VS", 1)
			}
			up()
			w.Answers(t, "s1", "s2")
		})
	}
}

// A kill -9 of the checker child disturbs nobody: the proxy goes on, and the
// new checker starts from what it finds.
func TestKilledCheckerDisturbsNoClient(t *testing.T) {
	l := New(t)
	w, _ := services(t, l, 2)
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), config(proxy, Instance{Priority: 100},
		virtualServer(Virtual+" 80", "", httpGet, 2)))
	w.Answers(t, "s1", "s2")
	traffic := w.Client.Ask(w.To, 50, nil)
	defer traffic.Close()
	Wait(t, "traffic flows", func() bool { return traffic.State().Good > 10 })
	old := a.ChildPID("check")
	kill(t, old)
	Wait(t, "another checker", func() bool { pid := a.ChildPID("check"); return pid > 0 && pid != old })
	was := traffic.State().Good
	Wait(t, "traffic still flows", func() bool { return traffic.State().Good > was+50 })
	if s := traffic.State(); s.Failed > 0 {
		t.Errorf("%d requests failed: %v, %v", s.Failed, s.Open, traffic.OutagesSince(0))
	}
}

// A reload that adds and removes servers is followed, and no request fails.
func TestReloadOfServers(t *testing.T) {
	l := New(t)
	w, _ := services(t, l, 3)
	with := func(servers int) string {
		return config(proxy, Instance{Priority: 100}, virtualServer(Virtual+" 80", "", httpGet, servers))
	}
	a := Start(t, Node(t, l, "a", "192.0.2.11/24"), Holdfast(), with(2))
	w.Answers(t, "s1", "s2")
	traffic := w.Client.Ask(w.To, 50, nil)
	defer traffic.Close()
	Wait(t, "traffic flows", func() bool { return traffic.State().Good > 10 })
	Must(t, a.Configure(with(3)))
	Must(t, a.Reload())
	w.Answers(t, "s1", "s2", "s3")
	Must(t, a.Configure(with(1)))
	Must(t, a.Reload())
	w.Answers(t, "s1")
	was := traffic.State().Good
	Wait(t, "traffic still flows", func() bool { return traffic.State().Good > was+20 })
	if s := traffic.State(); s.Failed > 0 {
		t.Errorf("%d requests failed: %v, %v", s.Failed, s.Open, traffic.OutagesSince(0))
	}
}
