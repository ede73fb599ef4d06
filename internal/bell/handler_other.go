//go:build !amd64 && !arm64

package bell

// handler is what these architectures lack.
const handler uintptr = 0
