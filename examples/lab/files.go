// Package lab carries the files of this folder into the binary: the two
// directors' configurations and the sample scripts of `holdfast lab`.
package lab

import "embed"

// Files has a.conf, b.conf and the scripts.
//
//go:embed *.conf *.lab
var Files embed.FS
