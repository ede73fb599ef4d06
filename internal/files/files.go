// Package files is the disk and the machine as configuration sees them:
// Disk is source.Files, System is conf.System, and Follower tells when files
// change.
//
// It decides nothing: what a missing interface or a script that others can
// write means is conf's business.
package files
