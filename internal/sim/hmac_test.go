package sim

import (
	"bytes"
	"testing"

	"github.com/holdfast-ha/holdfast/internal/build"
	"github.com/holdfast-ha/holdfast/internal/wire"
)

func hmacOf(required bool, active uint8, keys ...uint8) *build.HMAC {
	h := &build.HMAC{Required: required}
	h.Active = active
	for _, k := range keys { // the number is the key's octet; from 100 on of the same number, and another
		h.Keys = append(h.Keys, wire.HMACKey{ID: k % 100, Secret: bytes.Repeat([]byte{k}, 32)})
	}
	return h
}

func TestWhoDisbelievesWhom(t *testing.T) {
	for _, c := range []struct {
		name             string
		receiver, sender *build.HMAC
		want             string
	}{
		{"neither has any", nil, nil, ""},
		{"the same key", hmacOf(true, 1, 1), hmacOf(true, 1, 1), ""},
		{"another active key that both have", hmacOf(true, 1, 1, 2), hmacOf(true, 2, 1, 2), ""},
		{"another key of that number", hmacOf(true, 1, 1), hmacOf(true, 1, 101), "its HMAC is of another key than ours"},
		{"a key that the other lacks", hmacOf(true, 1, 1), hmacOf(true, 2, 1, 2), "its HMAC is of another key than ours"},
		{"signed, and no auth_hmac", nil, hmacOf(false, 1, 1), "it has an HMAC, and we have no auth_hmac"},
		{"receive-only, and no auth_hmac", nil, hmacOf(false, 0, 1), ""},
		{"not signed, enforce", hmacOf(true, 1, 1), nil, "it has no HMAC"},
		{"not signed, permissive", hmacOf(false, 1, 1), nil, ""},
	} {
		p := port{hmac: c.receiver}
		if got := p.disbelieves(c.sender); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
