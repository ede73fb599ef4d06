package parent

import (
	"log/slog"
	"os"
)

// A VRRP child that was killed together with us has left a ledger of what it may
// have put into the kernel (ipc.BootInfo.LedgerFile). Whoever follows removes that;
// where the configuration needs no VRRP child any more, one is there just for it.

// ledger is that file; empty: there is none.
func (h *house) ledger() string { return beside(h.pidPath(""), ".ledger") }

// ledgerOf is a child's, empty for those that have none. That of the checker is
// about sysctls; its successor reads it.
func (h *house) ledgerOf(name string) string {
	switch name {
	case VRRP:
		return h.ledger()
	case Checker:
		return beside(h.pidPath(""), ".sysctls")
	}
	return ""
}

// leftTo reports whether there is something left for a child to remove.
func (h *house) leftTo(name string) bool {
	if name != VRRP || !h.o.Load.VRRP || h.o.KeepVRRP || h.ledger() == "" {
		return false
	}
	_, err := os.Stat(h.ledger())
	return err == nil
}

// clearUp has a child come, or come back, that ends as soon as it is ready: by
// then it has seen what is left, and its end waits until that is removed.
func (h *house) clearUp(name string) {
	h.tellOf(name, slog.LevelInfo, "process", "an earlier run was killed: the %s child looks for what it has left", titles[name])
	if h.kids[name] == nil {
		h.begin(name)
	}
	h.kids[name].retire = true
}
