package conf

import "github.com/holdfast-ha/holdfast/internal/conf/schema"

// Reference is docs/configuration.md: all blocks and keywords, from the table.
func Reference() string {
	return `# Configuration reference

The file is keepalived's ` + "`keepalived.conf`" + `; ` + "`man 5 keepalived.conf`" + ` tells more about most keywords. This page is
generated from the table that the program reads the file by (` + "`go test ./internal/conf -run Reference -update`" + `), so it
lists every keyword that is understood, the values it takes, and which of them have no effect yet.

Values in brackets may be left out; SECONDS take a decimal point where the range has one or begins below 1. A command
with arguments stands in quotes; what follows it is the user and group to run it as.

` + schema.Reference(root)
}
