package vrrp

import "testing"

// keepalived's users read these words in logs, FIFOs and script arguments.
func TestStateWords(t *testing.T) {
	for s, want := range map[State]string{Init: "INIT", Backup: "BACKUP", Active: "MASTER", Fault: "FAULT"} {
		if got := s.String(); got != want {
			t.Errorf("State(%d).String() = %q, want %q", s, got, want)
		}
	}
}
