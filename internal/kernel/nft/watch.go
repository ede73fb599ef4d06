package nft

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Watcher tells when something is taken out of a table.
type Watcher struct {
	fd  int
	buf []byte
}

// Bounds of watching.
const (
	watchBuffer = 64 << 10
	watchTurn   = 64 // datagrams in one Read
)

// Watch begins to listen, in the network namespace of the calling thread.
func Watch() (*Watcher, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("open netfilter netlink: %w", err)
	}
	err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, unix.NFNLGRP_NFTABLES)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("listen to nftables: %w", err)
	}
	return &Watcher{fd: fd, buf: make([]byte, watchBuffer)}, nil
}

// FD is to be watched for EPOLLIN; then call Read.
func (w *Watcher) FD() int { return w.fd }

// Close ends listening.
func (w *Watcher) Close() { _ = unix.Close(w.fd) }

// removals are the messages that say that something is gone.
var removals = map[uint16]bool{
	unix.NFT_MSG_DELTABLE: true, unix.NFT_MSG_DELCHAIN: true, unix.NFT_MSG_DELRULE: true,
	unix.NFT_MSG_DELSET: true, unix.NFT_MSG_DELSETELEM: true,
}

// Read reports whether something was taken out of a table of that name since
// the last call, or might have been: events can be lost.
func (w *Watcher) Read(table string) bool {
	removed := false
	for range watchTurn {
		n, err := unix.Read(w.fd, w.buf)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOBUFS):
			removed = true
			continue
		case err != nil:
			return removed
		}
		removed = concerns(w.buf[:n], table) || removed
	}
	return removed
}

// concerns looks through netlink messages (struct nlmsghdr, struct nfgenmsg,
// attributes); the table's name is attribute 1 of all of them.
func concerns(b []byte, table string) bool {
	const header, generic, attr, name, typeMask = unix.SizeofNlMsghdr, 4, unix.SizeofNlAttr, 1, 0x3fff
	native := binary.NativeEndian
	for len(b) >= header {
		size := int(native.Uint32(b))
		if size < header || size > len(b) {
			return true
		}
		m, typ := b[:size], native.Uint16(b[4:])
		b = b[min((size+3)&^3, len(b)):]
		if typ>>8 != unix.NFNL_SUBSYS_NFTABLES || !removals[typ&0xff] || len(m) < header+generic {
			continue
		}
		for m = m[header+generic:]; len(m) >= attr; {
			size := int(native.Uint16(m))
			if size < attr || size > len(m) {
				break
			}
			if native.Uint16(m[2:])&typeMask == name && unix.ByteSliceToString(m[attr:size]) == table {
				return true
			}
			m = m[min((size+3)&^3, len(m)):]
		}
	}
	return false
}
