// Package build turns a configuration into what the machines and their edges
// need: conf's structs go in, vrrp.Config and the like come out.
//
// It is the one place that knows both sides, and it is pure: the daemons, and
// whoever wants to know what a daemon would do, get the same values. Defaults
// and syntax are conf's business, decisions the machines'; what can be known
// only on a running system (does the interface exist, which address has it) is
// found out in the daemons.
package build
