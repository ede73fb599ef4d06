package conf

import (
	"encoding/hex"
	filepath "path"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/internal/conf/schema"
	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// HMAC is an auth_hmac block: adverts carry a trailer that only who has the key
// can make (draft-cassen-vrrp-auth-hmac).
type HMAC struct {
	Keys      []HMACKey // in the order of the file, at least one
	Active    int       // the ID of the key that signs; 0 only with HMACReceiveOnly
	Mode      HMACMode
	Monotonic bool          // anti_replay monotonic: clocks are not compared
	Window    time.Duration // how far clocks may differ, 1–300 s; default three adverts, at least 5 s
}

// HMACKey is one key. Secret is never shown.
type HMACKey struct {
	ID     int    // 1–255
	Secret []byte // 32–64 bytes
	File   string // where it was read; empty: the configuration itself
	Pos    Pos
}

// HMACMode says what is sent, and what is done with adverts that carry no HMAC.
type HMACMode uint8

// The modes. Adverts with a wrong HMAC are refused in all of them.
const (
	HMACEnforce     HMACMode = iota // adverts without are refused
	HMACPermissive                  // adverts without are accepted
	HMACReceiveOnly                 // the same, and none is sent
)

var hmacModes = []string{"enforce", "permissive", "receive-only"}

// String is the mode's keyword.
func (m HMACMode) String() string { return hmacModes[m] }

// Bounds of auth_hmac (the draft's, and keepalived's).
const (
	minHMACKey, maxHMACKey       = 32, 64 // bytes
	minHMACWindow, maxHMACWindow = 1, 300 // seconds
	usualHMACWindow              = 5 * time.Second
	// maxHMACFile is the longest key's file that makes sense: hexadecimal, with
	// some space after it.
	maxHMACFile = 1024
)

// hmacNotes are the words of an auth_hmac block.
type hmacNotes struct {
	block, active, mode syntax.Word
	window              bool // was given
	said                bool // a key was refused, and why was said
}

var hmacBlock = &block{Name: "vrrp_instance > auth_hmac", Parts: []rows{{
	{Name: "key", Args: args{{Kind: schema.Number, Min: 1, Max: 255, Label: "ID"}, {Kind: schema.Words, Label: "KEY"}}, Doc: "A key by its number: 32 to 64 bytes, as hex:DIGITS, as text, or in file:PATH.", Set: addHMACKey},
	{Name: "active_key", Args: num(1, 255), Doc: "The number of the key that signs; with one key it is that one.", Set: func(l *loader, s *stmt) {
		l.inst.HMAC.Active, l.vi.hmac.active = s.Int(), s.Words()[0]
	}},
	{Name: "time_window", Args: num(minHMACWindow, maxHMACWindow), Doc: "How many seconds clocks may differ; three adverts by default, at least 5.", Set: func(l *loader, s *stmt) {
		l.inst.HMAC.Window, l.vi.hmac.window = time.Duration(s.Int())*time.Second, true
	}},
	{Name: "anti_replay", Args: enum("time", "monotonic"), Doc: "Refuse adverts that are older or newer than the window allows, or only those before the last one.", Set: func(l *loader, s *stmt) {
		l.inst.HMAC.Monotonic = s.Value(0).Int == 1
	}},
	{Name: "mode", Args: args{{Kind: schema.Enum, Words: hmacModes}}, Doc: "Refuse adverts without (enforce, the default), accept them (permissive), and send none (receive-only).", Set: func(l *loader, s *stmt) {
		l.inst.HMAC.Mode, l.vi.hmac.mode = HMACMode(s.Value(0).Int), s.Words()[0]
	}},
}}}

func beginHMAC(l *loader, s *stmt) {
	if l.inst.HMAC != nil {
		s.Fault("HF031", diag.Error, s.Keyword(), "auth_hmac is given twice, the second adds to the first", "")
		return
	}
	l.inst.HMAC, l.vi.hmac = &HMAC{}, &hmacNotes{block: s.Keyword()}
}

// addHMACKey reads a key. What it is never gets into a message.
func addHMACKey(l *loader, s *stmt) {
	h, w := l.inst.HMAC, s.Node.Words[2:]
	k := HMACKey{ID: int(s.Value(0).Int), Pos: l.pos(s.Words()[0])}
	refuse := func(why, expected string) {
		l.vi.hmac.said = true
		s.Fault("HF039", diag.Error, s.Words()[0], "key "+s.Words()[0].Text+" of auth_hmac "+why+", it is ignored", expected)
	}
	for _, o := range h.Keys {
		if o.ID == k.ID {
			refuse("is given twice", "another number")
			return
		}
	}
	if len(w) != 1 {
		refuse("is several words", "one word, or in quotes")
		return
	}
	why, form := "", w[0].Text
	if name, ok := strings.CutPrefix(form, "file:"); ok {
		if k.File, form, why = l.hmacFile(s, w[0], name); why != "" {
			refuse(why, "a file that has the key and nothing else")
			return
		}
	}
	if k.Secret, why = hmacKey(form); why != "" {
		refuse(why, "32 to 64 bytes: hex:DIGITS, or text")
		return
	}
	h.Keys = append(h.Keys, k)
}

// hmacKey reads a key in one of its two forms.
func hmacKey(form string) (key []byte, why string) {
	key = []byte(form)
	if digits, ok := strings.CutPrefix(form, "hex:"); ok {
		var err error
		if key, err = hex.DecodeString(digits); err != nil {
			return nil, "has something else than pairs of hexadecimal digits"
		}
	}
	switch {
	case len(key) < minHMACKey:
		return nil, "is shorter than 32 bytes"
	case len(key) > maxHMACKey:
		return nil, "is longer than 64 bytes"
	}
	return key, ""
}

// hmacFile reads the file of a key; a relative name is relative to the file that
// the line stands in.
func (l *loader) hmacFile(s *stmt, w syntax.Word, name string) (at, form, why string) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(l.file(w.At)), name)
	}
	b, err := l.texts.Read(name)
	switch {
	case err != nil:
		return name, "", "cannot be read: " + err.Error()
	case len(b) > maxHMACFile:
		return name, "", "is in a file that is longer than 1024 bytes"
	}
	if l.sys != nil && l.sys.Program(name).Readable {
		s.Fault("HF039", diag.Warning, w, "others than its owner can read "+name+", which has a key of auth_hmac", "chmod 600 "+name)
	}
	return name, strings.TrimRight(string(b), " \t\r\n"), ""
}

// hmac settles an auth_hmac block: it goes without authentication, and without
// a key it is none.
func (l *loader) hmac(n *instanceNotes) {
	i, h := n.inst, n.inst.HMAC
	if h == nil {
		return
	}
	if i.AuthType != "" {
		l.fault("HF039", n.name, "vrrp_instance "+i.Name+" has authentication and auth_hmac, authentication is ignored", "one of them", "")
		i.AuthType, i.AuthPass = "", ""
	}
	if i.Strict && h.Mode != HMACEnforce {
		l.fault("HF037", n.hmac.mode, "vrrp_instance "+i.Name+": by vrrp_strict the mode of auth_hmac is enforce", "mode enforce", "")
		h.Mode = HMACEnforce
	}
	if h.Window == 0 {
		h.Window = HMACWindow(i.AdvertInt)
	}
	if !l.hmacKeys(n) {
		i.HMAC = nil
	}
}

// HMACWindow is time_window where nothing is said.
func HMACWindow(advert time.Duration) time.Duration {
	return min(max(3*advert, usualHMACWindow), maxHMACWindow*time.Second).Truncate(time.Second)
}

// hmacKeys reports whether the keys let the block be used.
func (l *loader) hmacKeys(n *instanceNotes) bool {
	i, h := n.inst, n.inst.HMAC
	if len(h.Keys) == 0 {
		if !n.hmac.said {
			l.fault("HF039", n.hmac.block, "auth_hmac of vrrp_instance "+i.Name+" has no key", "key ID KEY", "")
		}
		l.fault("HF039", n.hmac.block, "vrrp_instance "+i.Name+": adverts are not authenticated, auth_hmac is ignored", "", "")
		return false
	}
	at, given := n.hmac.active, h.Active != 0
	if !given {
		at = n.hmac.block
		if len(h.Keys) == 1 {
			h.Active = h.Keys[0].ID
		}
	}
	for _, k := range h.Keys {
		if k.ID == h.Active {
			if h.Mode == HMACReceiveOnly && !given {
				h.Active = 0
			}
			return true
		}
	}
	if !given && h.Mode == HMACReceiveOnly {
		return true
	}
	what := "there is no key " + at.Text
	if !given {
		what = "there are several keys and no active_key"
	}
	l.fault("HF039", at, "vrrp_instance "+i.Name+": "+what+", so adverts are not authenticated, auth_hmac is ignored", "active_key with the number of one of its keys", "")
	return false
}
