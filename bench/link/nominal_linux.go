package link

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const classNet = "/sys/class/net"

// Nominal reads what a network interface of this thread's namespace claims:
// MTU and queues by netlink, speed, duplex and offloads by ethtool, driver and
// kind of device. /sys belongs to the namespace that mounted it, so it is used
// only for the same device: one of the same name, number and address. A speed
// that means "unknown" and the speed of a virtual device are reported as
// unknown, with the reason. It fails with ErrNoInterface when there is no such
// interface.
func Nominal(iface string) (NominalLink, error) {
	if err := checkIface(iface); err != nil {
		return NominalLink{Iface: iface}, err
	}
	dev, err := netlink.LinkByName(iface)
	if err != nil {
		return NominalLink{Iface: iface}, fmt.Errorf("link: %w: %q: %w; `ip link` lists those that exist here", ErrNoInterface, iface, err)
	}
	at := dev.Attrs()
	n := NominalLink{Iface: iface, Reason: noSpeed}
	if sysfsShows(iface, at) {
		if n, err = nominalAt(classNet, iface); err != nil {
			return n, err
		}
	}
	n.MTU, n.Up = at.MTU, at.OperState == netlink.OperUp || at.Flags&net.FlagLoopback != 0 && at.Flags&net.FlagUp != 0
	n.RxQueues, n.TxQueues = positive(at.NumRxQueues), positive(at.NumTxQueues)
	if n.Driver == "" {
		n.Driver = driverByIoctl(iface)
	}
	if dev.Type() != "device" || at.Flags&net.FlagLoopback != 0 || slices.Contains(virtualDrivers, n.Driver) {
		n.Virtual = true
	}
	if tool, err := openEthtool(); err == nil { // else a kernel before 5.6: /sys has to do
		tool.fill(&n)
	}
	return n, nil
}

// fill adds what ethtool knows of an interface.
func (e *ethtool) fill(n *NominalLink) {
	if mbit, duplex, ok := e.linkModes(n.Iface); ok {
		n.setSpeed(strconv.FormatUint(uint64(mbit), 10), nil)
		n.setDuplex(duplex)
	} else if n.Virtual {
		n.setSpeed("", nil)
	}
	if on, err := e.features(n.Iface); err == nil {
		n.Offloads = on
	}
}

func positive(n int) *int {
	if n <= 0 {
		return nil
	}
	return &n
}

// sysfsShows tells whether /sys has this very device, and not one of the same
// name in another namespace.
func sysfsShows(iface string, at *netlink.LinkAttrs) bool {
	index, err := readSysfs(filepath.Join(classNet, iface, "ifindex"))
	if err != nil || index != strconv.Itoa(at.Index) {
		return false
	}
	mac, err := readSysfs(filepath.Join(classNet, iface, "address"))
	return err == nil && (strings.EqualFold(mac, at.HardwareAddr.String()) || at.HardwareAddr == nil)
}

// driverByIoctl asks the interface itself: purely virtual ones have no device
// in /sys to link a driver to.
func driverByIoctl(iface string) string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	f := os.NewFile(uintptr(fd), "ethtool")
	defer f.Close()
	info, err := unix.IoctlGetEthtoolDrvinfo(fd, iface)
	if err != nil {
		return ""
	}
	return unix.ByteSliceToString(info.Driver[:])
}
