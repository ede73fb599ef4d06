//go:build amd64 || arm64

package bell

// handler is the address of ring, in handler_*.s.
var handler uintptr
