package api

import "time"

// Explanation answers GET /v1/explain on the control socket: how things are,
// and what the flight recorder has of how they came to be so.
type Explanation struct {
	Version int       `json:"version"`
	At      time.Time `json:"at"` // of the answer
	Status  Status    `json:"status"`
	// Records are in the order of what happened.
	Records []Record `json:"records"`
	// Lost counts older records that are no longer kept.
	Lost uint64 `json:"lost"`
}

// Record is one event that mattered, or one decision.
type Record struct {
	At time.Time `json:"at"`
	// Elapsed is a monotonic clock in nanoseconds: of two records it tells how
	// much time passed between them, though At may have been set meanwhile.
	Elapsed int64  `json:"elapsed_ns"`
	Level   string `json:"level"` // info, warning, error
	Part    string `json:"part"`  // parent, vrrp, check, proxy
	Kind    string `json:"kind"`  // transition, track, master, split, packet, process, config, …
	// Object is what it is about: the name of an instance, group, interface,
	// script or server; may be empty.
	Object string `json:"object,omitempty"`
	What   string `json:"what"`
	Cause  string `json:"cause,omitempty"`
}
