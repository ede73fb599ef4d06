package conf

import (
	"net/netip"
	"strconv"

	"github.com/holdfast-ha/holdfast/internal/conf/syntax"
	"github.com/holdfast-ha/holdfast/internal/diag"
)

// SyncDaemon is lvs_sync_daemon: the kernel's exchange of IPVS connections
// between directors.
type SyncDaemon struct {
	Interface string
	// Instance says who we are: as master its connections are sent, otherwise
	// received. Empty: both.
	Instance string
	ID       int        // 0 to 255; -1: the VRID of Instance, or 0
	MaxLen   uint16     // of a packet, bytes; 0: the kernel's choice
	Port     uint16     // 0: 8848
	TTL      uint8      // 0: 1
	Group    netip.Addr // invalid: 224.0.0.81
}

// The bounds of lvs_sync_daemon's numbers (keepalived.conf(5)).
func syncBounds(option string) (low, high uint64, number bool) {
	switch option {
	case "id":
		return 0, 255, true
	case "maxlen":
		return 1, 65507, true
	case "port":
		return 1, 65535, true
	case "ttl":
		return 1, 255, true
	}
	return 0, 0, false
}

// setSyncDaemon reads INTERFACE [[inst] INSTANCE] and options with values.
func setSyncDaemon(l *loader, s *stmt) {
	w := s.Words()
	if l.cfg.Global.SyncDaemon != nil {
		s.Fault("HF031", diag.Error, s.Keyword(), "lvs_sync_daemon is given twice, the second is ignored", "")
		return
	}
	if len(w) == 0 {
		s.Fault("HF012", diag.Error, s.Keyword(), "lvs_sync_daemon needs an interface", "lvs_sync_daemon INTERFACE")
		return
	}
	d := &SyncDaemon{Interface: w[0].Text, ID: -1}
	l.cfg.Global.SyncDaemon, l.syncWord = d, w[0]
	for i := 1; i < len(w); i++ {
		_, _, number := syncBounds(w[i].Text)
		switch {
		case number || w[i].Text == "group" || w[i].Text == "inst":
			if i++; i >= len(w) {
				s.Fault("HF012", diag.Error, w[i-1], w[i-1].Text+" needs a value", "")
				return
			}
			d.option(l, s, w[i-1].Text, w[i])
		case i == 1:
			d.Instance, l.syncWord = w[i].Text, w[i]
		default:
			s.Fault("HF011", diag.Error, w[i], "lvs_sync_daemon has no option "+strconv.Quote(w[i].Text), "inst, id, maxlen, port, ttl or group")
			return
		}
	}
}

func (d *SyncDaemon) option(l *loader, s *stmt, name string, w syntax.Word) {
	switch name {
	case "inst":
		d.Instance, l.syncWord = w.Text, w
		return
	case "group":
		a, err := netip.ParseAddr(w.Text)
		if err != nil || !a.IsMulticast() {
			s.Fault("HF011", diag.Error, w, "group "+strconv.Quote(w.Text)+" is not valid", "a multicast address")
			return
		}
		d.Group = a
		return
	}
	low, high, _ := syncBounds(name)
	n, err := strconv.ParseUint(w.Text, 10, 32)
	if err != nil || n < low || n > high {
		s.Fault("HF011", diag.Error, w, name+" "+strconv.Quote(w.Text)+" is not valid",
			"a number from "+strconv.FormatUint(low, 10)+" to "+strconv.FormatUint(high, 10))
		return
	}
	switch name { // within bounds
	case "id":
		d.ID = int(n)
	case "maxlen":
		d.MaxLen = uint16(n)
	case "port":
		d.Port = uint16(n)
	case "ttl":
		d.TTL = uint8(n)
	}
}

// setSyncInterface is the old word for lvs_sync_daemon, within an instance.
func setSyncInterface(l *loader, s *stmt) {
	if d := l.cfg.Global.SyncDaemon; d != nil {
		s.Fault("HF031", diag.Error, s.Keyword(), "the sync daemon is on "+d.Interface+" already, the line is ignored", "")
		return
	}
	l.cfg.Global.SyncDaemon = &SyncDaemon{Interface: s.Text(), Instance: inst(l).Name, ID: -1}
	l.syncWord = s.Words()[0]
}

// judgeSyncDaemon: what follows an instance needs one.
func (l *loader) judgeSyncDaemon() {
	d := l.cfg.Global.SyncDaemon
	if d == nil || d.Instance == "" {
		return
	}
	for _, v := range l.cfg.Instances {
		if v.Name != d.Instance {
			continue
		}
		if d.ID < 0 {
			d.ID = v.VRID
		}
		return
	}
	l.warn("HF024", l.syncWord, "lvs_sync_daemon: there is no vrrp_instance "+d.Instance+", it is ignored", "the name of a vrrp_instance")
	l.cfg.Global.SyncDaemon = nil
}
