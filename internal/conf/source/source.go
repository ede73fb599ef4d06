// Package source is how configuration text is read: through the interface
// Files, so that nothing above it touches a disk, and once, so that all
// children see the same bytes.
package source

// Files reads configuration files. The disk's version is in package files.
type Files interface {
	// Read returns the file's bytes. A configuration's strings share them, so
	// they must stay as they are for as long as it lives.
	Read(name string) ([]byte, error)
	// Glob returns the names that match a pattern, sorted.
	Glob(pattern string) ([]string, error)
}
