package conf

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-ha/holdfast/internal/diag"
)

const (
	hexKey  = "hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	textKey = "abcdefghijklmnopqrstuvwxyz-0123456789"
)

// withHMAC loads an instance with an auth_hmac block.
func withHMAC(t *testing.T, block, more string) (*HMAC, diag.List) {
	t.Helper()
	c, found := Load(texts{
		"/d/f": "vrrp_instance a {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {\n 192.0.2.1\n }\n auth_hmac {\n" + block + "\n }\n" + more + "\n}\n",
		"/d/k": textKey + "\n", "/etc/hex": hexKey, "/etc/long": strings.Repeat("x", 2000),
	}, "/d/f", Options{System: machine{}})
	return c.Instances[0].HMAC, found
}

func TestHMACBlock(t *testing.T) {
	h, found := withHMAC(t, " key 3 file:k\n key 1 "+hexKey+"\n key 2 file:/etc/hex\n active_key 2\n anti_replay monotonic\n time_window 30\n mode permissive", "")
	if h == nil || found.Count(diag.Warning) > 0 {
		t.Fatalf("%+v, %s", h, ids(found, diag.Notice))
	}
	if string(h.Keys[0].Secret) != textKey || h.Keys[0].File != "/d/k" || h.Keys[1].ID != 1 || len(h.Keys[1].Secret) != 32 ||
		!slices.Equal(h.Keys[1].Secret, h.Keys[2].Secret) {
		t.Errorf("keys: %+v", h.Keys)
	}
	if h.Active != 2 || !h.Monotonic || h.Window != 30*time.Second || h.Mode != HMACPermissive {
		t.Errorf("%+v", h)
	}
}

func TestHMACDefaults(t *testing.T) {
	for more, window := range map[string]time.Duration{"": 5 * time.Second, " advert_int 4": 12 * time.Second, " advert_int 200": 300 * time.Second} {
		h, found := withHMAC(t, " key 9 "+hexKey, more)
		if h == nil || h.Active != 9 || h.Monotonic || h.Mode != HMACEnforce || h.Window != window || found.Count(diag.Warning) > 0 {
			t.Errorf("%q: %+v, %s", more, h, ids(found, diag.Notice))
		}
	}
}

// What cannot be used is said, and the key never.
func TestHMACFaults(t *testing.T) {
	for _, c := range []struct {
		block, more string
		used        bool
		want        string
	}{
		{"", "", false, "has no key"},
		{" key 1 tooshort", "", false, "shorter than 32 bytes"},
		{" key 1 " + strings.Repeat("tooshort", 9), "", false, "longer than 64 bytes"},
		{" key 1 hex:tooshort" + hexKey[4:], "", false, "hexadecimal"},
		{" key 1 file:/etc/gone", "", false, "cannot be read"},
		{" key 1 file:/etc/long", "", false, "longer than 1024 bytes"},
		{" key 1 " + hexKey + "\n active_key 2", "", false, "there is no key 2"},
		{" key 1 " + hexKey + "\n key 2 " + textKey, "", false, "no active_key"},
		{" key 1 " + hexKey + "\n key 2 " + textKey + "\n mode receive-only", "", true, ""},
		{" key 1 " + hexKey + "\n key 1 " + textKey, "", true, "given twice"},
		{" key " + hexKey, "", false, "value of key is not valid"},
		{" key 1 " + hexKey + " " + textKey, "", false, "several words"},
		{" keey 1 " + hexKey, "", false, "unknown keyword"},
		{" key 1 " + hexKey + "\n time_window 301", "", true, "out of range"},
		{" key 1 " + hexKey + "\n mode permissive", " strict_mode on\n lower_prio_no_advert", true, "mode of auth_hmac is enforce"},
		{" key 1 " + hexKey, " authentication {\n auth_type PASS\n auth_pass tooshort\n }", true, "authentication is ignored"},
	} {
		h, found := withHMAC(t, c.block, c.more)
		if (h != nil) != c.used || !strings.Contains(ids(found, diag.Warning), c.want) {
			t.Errorf("%s: %+v, %s", c.block, h, ids(found, diag.Notice))
		}
		for _, d := range found {
			if all := d.Message + d.Source + d.Expected + d.Suggestion; strings.Contains(all, hexKey[4:]) || strings.Contains(all, "tooshort") || strings.Contains(all, textKey) {
				t.Errorf("%s: the key is told: %+v", c.block, d)
			}
		}
	}
}
