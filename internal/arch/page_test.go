package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The page that one reads first shows every package, and every package is there.
func TestArchitecturePageHasTheFloors(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, line := range regexp.MustCompile(`(?m)^[0-9] .*$`).FindAllString(string(page), -1) {
		for _, word := range strings.Fields(line)[2:] {
			name, _, _ := strings.Cut(word, "/")
			if floorOf(name) >= 0 {
				shown = append(shown, name)
			}
		}
	}
	for _, name := range slices.Concat(floors...) {
		if info, err := os.Stat(filepath.Join("..", name)); err != nil || !info.IsDir() {
			t.Errorf("floors.go has %q, and there is no such folder", name)
		}
		if name != "arch" && !slices.Contains(shown, name) {
			t.Errorf("docs/architecture.md shows no %q among the floors", name)
		}
	}
}
