package kernel

import (
	"fmt"
	"os"
	"strings"
)

// PromoteSecondaries has a link keep the other addresses of a subnet when the
// first of them is removed (promote_secondaries in keepalived.conf(5)).
func PromoteSecondaries(link string) error {
	return writeSysctl("ipv4", link, "promote_secondaries", "1")
}

// writeSysctl sets net.FAMILY.conf.LINK.KEY. A link's name may have dots and,
// being a name in this file system, no slash.
func writeSysctl(family, link, key, value string) error {
	if link == "" || link == "." || link == ".." || strings.ContainsRune(link, '/') {
		return fmt.Errorf("set %s of %q: not the name of an interface", key, link)
	}
	path := "/proc/sys/net/" + family + "/conf/" + link + "/" + key
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		return fmt.Errorf("set %s of %s: %w", key, link, err)
	}
	return nil
}

var (
	_ Tables = (*Writer)(nil)
	_ Tables = (*Fake)(nil)
)
