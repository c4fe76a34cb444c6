package env

import (
	"io/fs"
	"path"
	"strings"

	"github.com/chainweir/weir/results"
)

// readNIC returns what the kernel says of a network interface.
func readNIC(src source, name string) *results.EnvNIC {
	nic := &results.EnvNIC{Name: name}
	if name != path.Base(name) || name == "." || name == ".." {
		return nic // a name from a command line must not become a path
	}
	base := "sys/class/net/" + name + "/"
	nic.MTUBytes = src.integer(base + "mtu")
	if target, ok := src.link(base + "device/driver"); ok {
		nic.Driver = results.NullString(path.Base(target))
	} else {
		nic.Driver = results.NullString(driverByIoctl(name))
	}
	nic.RxQueues, nic.TxQueues = queues(src, base)
	if v, ok := src.text(base + "duplex"); ok && v != "unknown" {
		nic.Duplex = results.NullString(v)
	}
	nic.SpeedBitsPerSec = nominalSpeed(src.integer(base+"speed"), string(nic.Driver))
	return nic
}

// queues counts the receive and transmit queues of an interface, nil when the
// kernel does not list them.
func queues(src source, base string) (rx, tx *int64) {
	entries, err := fs.ReadDir(src.fsys, base+"queues")
	if err != nil {
		return nil, nil
	}
	rx, tx = new(int64), new(int64)
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Name(), "rx-"):
			*rx++
		case strings.HasPrefix(e.Name(), "tx-"):
			*tx++
		}
	}
	return rx, tx
}

// inventedSpeed are drivers that report a constant which limits nothing.
var inventedSpeed = map[string]bool{"veth": true, "tun": true, "dummy": true, "bridge": true}

// nominalSpeed turns the Mbit/s of /sys into bit/s, nil when unknown. Drivers
// that do not know report -1, 0, 65535 or the unsigned forms of -1; some
// virtual ones report a number that has no meaning.
func nominalSpeed(mbit *int64, driver string) *float64 {
	if mbit == nil || inventedSpeed[driver] {
		return nil
	}
	switch v := *mbit; v {
	case 65535, 4294967295:
		return nil
	default:
		if v <= 0 || v > 100_000_000 {
			return nil
		}
		bits := float64(v) * 1e6
		return &bits
	}
}
