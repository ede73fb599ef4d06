// Package event has Record, the one value in which every part says what
// happened and why. Logs, notifications, status and the flight recorder are
// all printed from Records; nobody formats a log line anywhere else.
package event

import (
	"log/slog"

	"github.com/holdfast-ha/holdfast/internal/clock"
)

// Record says what happened (What), to whom (Object), and why (Cause).
type Record struct {
	When  clock.Reading
	Level slog.Level
	// Part is who speaks: "parent", "vrrp", "check", "proxy".
	Part string
	// Object is what it is about: an instance's, group's or server's name;
	// may be empty.
	Object string
	// What is the whole message for a person, in one line, cause included.
	What string
	// Kind groups records for machines ("transition", "server", "address",
	// "config", "process", "packet"); stable.
	Kind string
	// Cause is why, without the what; empty where nothing caused it.
	Cause string
}
