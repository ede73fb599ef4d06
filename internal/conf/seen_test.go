package conf_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// sole is a disk with one file on it.
type sole string

func (o sole) Read(name string) ([]byte, error) {
	if name != "k.conf" {
		return nil, errors.New("no such file")
	}
	return []byte(o), nil
}

func (o sole) Glob(string) ([]string, error) { return nil, nil }

func asText(t *testing.T, v *conf.VirtualServer) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Who lets servers go sees each as it would have been kept, and the memory of
// one does not show in the next.
func TestSeen(t *testing.T) {
	text := ""
	for i := range 40 {
		s := "virtual_server 10.0.0." + string(rune('1'+i%9)) + " 80 {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n"
		for range 1 + i*7%5 {
			s += " real_server 10.0.1." + string(rune('1'+i%9)) + " 8" + strings.Repeat("0", 1+len(s)%3) + " {\n" +
				strings.Repeat("  weight 5\n", i%2) + strings.Repeat("  TCP_CHECK {\n   connect_timeout 4\n  }\n", i%3) + " }\n"
		}
		text += s + "}\n"
	}
	all, _ := conf.Load(sole(text), "k.conf", conf.Options{})
	n := 0
	some, _ := conf.Load(sole(text), "k.conf", conf.Options{Seen: func(v *conf.VirtualServer) bool {
		if a, b := asText(t, all.VirtualServers[n]), asText(t, v); a != b {
			t.Fatalf("server %d is seen as\n%s\nand kept as\n%s", n, b, a)
		}
		n++
		return n%4 > 0
	}})
	if n != len(all.VirtualServers) || len(some.VirtualServers) != n/4 {
		t.Fatalf("%d were seen and %d kept, of %d", n, len(some.VirtualServers), len(all.VirtualServers))
	}
	for i, v := range some.VirtualServers {
		if a, b := asText(t, all.VirtualServers[4*i+3]), asText(t, v); a != b {
			t.Errorf("a server that was kept changed from\n%s\nto\n%s", a, b)
		}
	}
}
