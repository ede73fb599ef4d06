// Package probe is the one face of every health check's single attempt: no
// memory, no retry, no log. When to probe and what a result means is decided
// by package check.
package probe

import (
	"context"
	"time"
)

// Probe makes one attempt. Implementations live in subfolders, one a kind,
// and are safe for concurrent use.
type Probe interface {
	Probe(ctx context.Context) Result
}

// Reason sorts failures for machines; Detail tells people.
type Reason string

// The reasons.
const (
	OK         Reason = "ok"
	Refused    Reason = "refused"
	Reset      Reason = "reset"
	Timeout    Reason = "timeout"
	Unreach    Reason = "unreachable"
	TLS        Reason = "tls"
	BadAnswer  Reason = "answer" // status, digest, regex, protocol
	ExitStatus Reason = "exit"
	Local      Reason = "local" // our own fault: permissions, an address that is not here
	// Exhausted: we had no descriptor or memory for the attempt. It says
	// nothing about the server and is no verdict.
	Exhausted Reason = "exhausted"
)

// Result is what one attempt found.
type Result struct {
	OK     bool
	Reason Reason
	Detail string // "HTTP status 503, expected 200"
	// Weight is what the probe asks for (MISC_CHECK misc_dynamic, FILE_CHECK);
	// valid only when WeightSet.
	Weight    int
	WeightSet bool
	// Warning is what should be told though it is no failure: a certificate
	// that will expire.
	Warning string
	Took    time.Duration
}
