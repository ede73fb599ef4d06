package cli

import (
	"github.com/holdfast-ha/holdfast/internal/bfdd"
	"github.com/holdfast-ha/holdfast/internal/checkd"
	"github.com/holdfast-ha/holdfast/internal/director/proxy"
	"github.com/holdfast-ha/holdfast/internal/ipc"
	"github.com/holdfast-ha/holdfast/internal/outletd"
	"github.com/holdfast-ha/holdfast/internal/parent"
	"github.com/holdfast-ha/holdfast/internal/proxyd"
	"github.com/holdfast-ha/holdfast/internal/vrrpd"
)

// children are the daemons that this binary can be run as. A new one is a row
// here, a name in package parent, and a need found in the configuration
// (reader.go).
func children() map[string]ipc.ChildMain {
	return map[string]ipc.ChildMain{
		parent.VRRP:    vrrpd.Run,
		parent.Checker: checkd.Run,
		parent.BFD:     bfdd.Run,
		parent.Proxy:   proxyd.Run,
		parent.Outlet:  outletd.Run,
	}
}

// listenProxy makes the socket on which the proxy child hears the checker.
var listenProxy = proxy.Listen
