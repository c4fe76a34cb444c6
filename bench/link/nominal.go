package link

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Errors of Nominal.
var (
	ErrNotSupported = errors.New("not supported on this operating system")
	ErrNoInterface  = errors.New("no such network interface")
)

// NominalLink is what an interface claims about itself. It is a claim: shown
// beside a measured capacity, never used as one.
type NominalLink struct {
	Iface string `json:"iface"`
	// SpeedBitsPerSec is the layer-1 rate, of which every frame spends 24
	// bytes that layer 2 does not see (see L2BitsPerSec); nil when unknown.
	SpeedBitsPerSec *float64 `json:"speed_bits_per_sec"`
	// L2BitsPerSec is the most that layer 2 can carry at that rate and MTU.
	L2BitsPerSec *float64 `json:"l2_bits_per_sec"`
	MTU          int      `json:"mtu"`
	// Driver is the kernel driver; empty for devices made of software.
	Driver string `json:"driver"`
	// Virtual: made of software, or handed to a virtual machine. What such a
	// device claims has nothing to do with what the path behind it carries.
	Virtual bool `json:"virtual"`
	// Up: the interface carries frames.
	Up bool `json:"up"`
	// Duplex is "full" or "half"; empty when unknown or without meaning.
	Duplex string `json:"duplex"`
	// RxQueues and TxQueues are those that the device has; nil when unknown.
	RxQueues *int `json:"rx_queues"`
	TxQueues *int `json:"tx_queues"`
	// Offloads that are on, by ethtool's names; nil when unknown.
	Offloads []string `json:"offloads"`
	// Reason says why the speed is unknown.
	Reason string `json:"reason,omitempty"`
}

// virtualDrivers are devices handed to virtual machines. Several of them
// report a fixed rate (vmxnet3 always says 10 Gbit/s).
var virtualDrivers = []string{
	"ena", "gve", "hv_netvsc", "ibmveth", "mana", "netvsc", "tun", "veth", "vif", "virtio_net", "vmxnet3", "xen_netfront",
}

// Values of /sys/class/net/*/speed that mean "unknown": -1 as a 32-bit or
// 16-bit unsigned number, from drivers that printed it so.
const (
	unknownSpeed16 = 65535
	unknownSpeed32 = 4294967295
)

// nominalAt reads an interface below a sysfs class folder.
func nominalAt(class, iface string) (NominalLink, error) {
	n := NominalLink{Iface: iface}
	if err := checkIface(iface); err != nil {
		return n, err
	}
	dir := filepath.Join(class, iface)
	resolved, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return n, fmt.Errorf("link: %w: %q; `ip link` lists those that exist here", ErrNoInterface, iface)
	}
	if err != nil {
		return n, fmt.Errorf("link: %s: %w", dir, err)
	}
	mtu, err := readSysfs(filepath.Join(dir, "mtu"))
	if err != nil {
		return n, fmt.Errorf("link: MTU of %s: %w", iface, err)
	}
	if n.MTU, err = strconv.Atoi(mtu); err != nil {
		return n, fmt.Errorf("link: MTU of %s is %q: %w", iface, mtu, err)
	}
	if drv, err := filepath.EvalSymlinks(filepath.Join(dir, "device", "driver")); err == nil {
		n.Driver = filepath.Base(drv)
	}
	n.Virtual = slices.Contains(strings.Split(resolved, string(filepath.Separator)), "virtual") ||
		slices.Contains(virtualDrivers, n.Driver)
	n.setSpeed(readSysfs(filepath.Join(dir, "speed")))
	if d, err := readSysfs(filepath.Join(dir, "duplex")); err == nil && !n.Virtual && (d == "full" || d == "half") {
		n.Duplex = d
	}
	if s, err := readSysfs(filepath.Join(dir, "operstate")); err == nil {
		n.Up = s == "up"
	}
	n.RxQueues, n.TxQueues = queuesIn(dir, "rx-"), queuesIn(dir, "tx-")
	return n, nil
}

// checkIface keeps a name from a command line from becoming a path.
func checkIface(iface string) error {
	if iface == "" || iface != filepath.Base(iface) || iface == "." || iface == ".." {
		return fmt.Errorf("link: %w: %q is not an interface name", ErrNoInterface, iface)
	}
	return nil
}

// queuesIn counts the queues of one direction; nil when there are none to see.
func queuesIn(dir, prefix string) *int {
	list, err := filepath.Glob(filepath.Join(dir, "queues", prefix+"*"))
	if n := len(list); err == nil && n > 0 {
		return &n
	}
	return nil
}

// Values of ethtool's duplex.
const (
	halfDuplex    = 0
	fullDuplex    = 1
	unknownDuplex = 0xff
)

func (n *NominalLink) setDuplex(d uint8) {
	switch {
	case n.Virtual || n.SpeedBitsPerSec == nil:
		n.Duplex = ""
	case d == halfDuplex:
		n.Duplex = "half"
	case d == fullDuplex:
		n.Duplex = "full"
	}
}

// printable keeps another machine's words on one line each.
func (n *NominalLink) printable() {
	n.Iface, n.Driver, n.Duplex, n.Reason = printable(n.Iface), printable(n.Driver), printable(n.Duplex), printable(n.Reason)
	for i := range n.Offloads {
		n.Offloads[i] = printable(n.Offloads[i])
	}
}

const noSpeed = "the interface reports no speed"

// setSpeed judges the content of the speed file, in Mbit/s.
func (n *NominalLink) setSpeed(text string, readErr error) {
	n.SpeedBitsPerSec, n.L2BitsPerSec, n.Reason = nil, nil, ""
	if n.Virtual {
		n.Reason = "a virtual device: its speed is no capacity"
		return
	}
	if readErr != nil {
		// EINVAL when the link is down or has no notion of speed (wireless).
		n.Reason = noSpeed
		return
	}
	mbit, err := strconv.ParseInt(text, 10, 64)
	if err != nil || mbit <= 0 || mbit == unknownSpeed16 || mbit == unknownSpeed32 {
		n.Reason = fmt.Sprintf("the interface reports speed %q, which means unknown", text)
		return
	}
	speed := float64(mbit) * 1e6
	l2 := L2BitsPerSec(speed, n.MTU)
	n.SpeedBitsPerSec, n.L2BitsPerSec = &speed, &l2
}

// readSysfs reads one short attribute.
func readSysfs(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(b)), nil
}
