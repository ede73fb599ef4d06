package ipc

import (
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// MaxSnapshot bounds a snapshot of the configuration in bytes.
const MaxSnapshot = 256 << 20

const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// Seal puts bytes into a memory file that nobody can change any more, neither
// the sender nor a receiver.
func Seal(name string, data []byte) (*os.File, error) {
	d, err := NewDraft(name)
	if err != nil {
		return nil, err
	}
	if err := d.Write(data); err != nil {
		d.Close()
		return nil, err
	}
	return d.Seal()
}

// Map maps a sealed memory file read-only and closes the descriptor. The
// bytes stay valid until Unmap, or for the process's life.
func Map(fd int) ([]byte, error) {
	defer func() { _ = unix.Close(fd) }() // the mapping stays
	return mapSealed(fd, unix.MAP_PRIVATE|unix.MAP_POPULATE)
}

func mapSealed(fd, flags int) ([]byte, error) {
	have, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil || have&seals != seals {
		return nil, fmt.Errorf("map the snapshot: descriptor %d is no sealed memory file", fd)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("map the snapshot: %w", err)
	}
	if st.Size == 0 {
		return nil, nil
	}
	if st.Size > MaxSnapshot {
		return nil, fmt.Errorf("map the snapshot: %d bytes, at most %d", st.Size, MaxSnapshot)
	}
	data, err := unix.Mmap(fd, 0, int(st.Size), unix.PROT_READ, flags)
	if err != nil {
		return nil, fmt.Errorf("map the snapshot: %w", err)
	}
	return data, nil
}

// Take copies a sealed memory file and closes the descriptor, so that nothing
// of the file outlives the call.
func Take(fd int) ([]byte, error) {
	mapped, err := Map(fd)
	if err != nil {
		return nil, err
	}
	defer Unmap(mapped)
	return bytes.Clone(mapped), nil
}

// Unmap gives mapped bytes back; nothing may point into them any more.
func Unmap(data []byte) {
	if len(data) > 0 {
		_ = unix.Munmap(data)
	}
}
