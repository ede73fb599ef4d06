package files

import (
	"context"
	"net"
	"time"
)

// resolveTime bounds a look-up made while a configuration is read.
const resolveTime = 3 * time.Second

// Resolves reports whether a host's name has an address; it is conf.Resolver.
// keepalived looks up the mail server at that time, too.
func (System) Resolves(host string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), resolveTime)
	defer cancel()
	found, err := net.DefaultResolver.LookupHost(ctx, host)
	return err == nil && len(found) > 0
}
