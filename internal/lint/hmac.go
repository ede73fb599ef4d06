package lint

import (
	"bytes"
	"fmt"

	"github.com/holdfast-ha/holdfast/internal/conf"
)

// differentHMAC says why one of two nodes would not believe the other, empty if
// both do. Keys are called by their numbers only.
func differentHMAC(first, p part) string {
	if why := disbelief(first.HMAC, p.HMAC); why != "" {
		return "an auth_hmac that refuses " + first.at() + ": " + why
	}
	if why := disbelief(p.HMAC, first.HMAC); why != "" {
		return "an auth_hmac that " + first.at() + " refuses: " + why
	}
	return ""
}

// disbelief is why a receiver refuses what a sender sends.
func disbelief(sender, receiver *conf.HMAC) string {
	signs := sender != nil && sender.Mode != conf.HMACReceiveOnly
	switch {
	case receiver == nil && signs:
		return "what is signed is refused without auth_hmac"
	case receiver == nil:
		return ""
	case !signs && receiver.Mode == conf.HMACEnforce:
		return "what is not signed is refused in mode enforce"
	case !signs:
		return ""
	}
	for _, k := range receiver.Keys {
		if k.ID != sender.Active {
			continue
		}
		if !bytes.Equal(k.Secret, secretOf(sender)) {
			return fmt.Sprintf("key %d is another one", k.ID)
		}
		return ""
	}
	return fmt.Sprintf("it signs with key %d, which is not known there", sender.Active)
}

// secretOf is the key that a sender signs with.
func secretOf(h *conf.HMAC) []byte {
	for _, k := range h.Keys {
		if k.ID == h.Active {
			return k.Secret
		}
	}
	return nil
}
