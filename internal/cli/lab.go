package cli

import "github.com/holdfast-ha/holdfast/internal/lab"

// runLab is `holdfast lab`.
func runLab(t terminal, args []string) int { return lab.Main(args, t.in, t.out, t.err) }
