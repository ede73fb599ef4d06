package cli

import (
	"os"
	"path/filepath"

	"github.com/holdfast-ha/holdfast/internal/conf"
	"github.com/holdfast-ha/holdfast/internal/conf/source"
)

// disk and system are what configurations are read from and checked against.
var (
	disk   source.Files = onDisk{}
	system conf.System
)

type onDisk struct{}

func (onDisk) Read(name string) ([]byte, error)      { return os.ReadFile(name) }
func (onDisk) Glob(pattern string) ([]string, error) { return filepath.Glob(pattern) }
