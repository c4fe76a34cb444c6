package env

import (
	"golang.org/x/sys/unix"
)

// driverByIoctl asks the interface itself: purely virtual ones (veth, bridge)
// have no device in /sys to link a driver to.
func driverByIoctl(name string) string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	info, err := unix.IoctlGetEthtoolDrvinfo(fd, name)
	if cerr := unix.Close(fd); err != nil || cerr != nil {
		return ""
	}
	return unix.ByteSliceToString(info.Driver[:])
}
