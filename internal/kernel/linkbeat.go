package kernel

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Numbers of linux/mii.h and linux/ethtool.h.
const (
	miiBMSR        = 1    // MII_BMSR
	miiLinkStatus  = 0x04 // BMSR_LSTATUS
	ethtoolGetLink = 0x0a // ETHTOOL_GLINK
)

// ifreq is struct ifreq of linux/if.h with the members that are used here: of
// mii_ioctl_data, and a pointer.
type ifreq struct {
	name [unix.IFNAMSIZ]byte
	mii  struct{ phy, reg, in, out uint16 }
	_    [16]byte
}

type ifreqData struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [16]byte
}

// Beat asks an interface's driver whether there is a link: by MII, ETHTOOL or
// IOCTL (the kernel's own flag), beginning with the kind that is named and
// going on with what the driver knows (keepalived.conf(5), linkbeat_interfaces).
// It may sleep.
func Beat(name, kind string) (up bool, err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false, fmt.Errorf("poll the link of %s: %w", name, err)
	}
	defer func() { _ = unix.Close(fd) }()
	ways := []func(int, string) (bool, error){beatMII, beatEthtool, beatFlags}
	switch kind {
	case "ETHTOOL":
		ways = []func(int, string) (bool, error){beatEthtool, beatMII, beatFlags}
	case "IOCTL":
		ways = ways[2:]
	}
	for _, way := range ways {
		if up, err = way(fd, name); err == nil || errors.Is(err, unix.ENODEV) {
			break
		}
	}
	if err != nil {
		return false, fmt.Errorf("poll the link of %s: %w", name, err)
	}
	return up, nil
}

func ioctl(fd int, request uint, at unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(at)); errno != 0 {
		return errno
	}
	return nil
}

func beatMII(fd int, name string) (bool, error) {
	var r ifreq
	copy(r.name[:unix.IFNAMSIZ-1], name)
	if err := ioctl(fd, unix.SIOCGMIIPHY, unsafe.Pointer(&r)); err != nil { // struct ifreq
		return false, err
	}
	r.mii.reg = miiBMSR
	if err := ioctl(fd, unix.SIOCGMIIREG, unsafe.Pointer(&r)); err != nil { // struct ifreq
		return false, err
	}
	return r.mii.out&miiLinkStatus != 0, nil
}

func beatEthtool(fd int, name string) (bool, error) {
	value := struct{ command, data uint32 }{command: ethtoolGetLink}
	r := ifreqData{data: unsafe.Pointer(&value)} // struct ethtool_value
	copy(r.name[:unix.IFNAMSIZ-1], name)
	if err := ioctl(fd, unix.SIOCETHTOOL, unsafe.Pointer(&r)); err != nil { // struct ifreq
		return false, err
	}
	return value.data != 0, nil
}

func beatFlags(fd int, name string) (bool, error) {
	r, err := unix.NewIfreq(name)
	if err != nil {
		return false, err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, r); err != nil {
		return false, err
	}
	const both = unix.IFF_UP | unix.IFF_RUNNING
	return r.Uint16()&both == both, nil
}
